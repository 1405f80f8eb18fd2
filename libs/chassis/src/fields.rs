//! Every field of a request that is wrong, in one answer.

use std::fmt::Display;

use contracts::convert::InvalidField;
use kernel::{Classified, ErrorKind, FieldViolation};

/// Enough to correct any request that a person wrote; a bound because they travel in a header of a few KiB.
const VIOLATIONS_MAX: usize = 20;

/// Collects what is wrong with a request, so that its caller hears of all of it at once.
///
/// ```
/// use chassis::{Fields, InvalidRequest};
/// use kernel::{Quantity, Sku};
///
/// fn line(sku: &str, quantity: i64) -> Result<(Sku, Quantity), InvalidRequest> {
///     let mut fields = Fields::new();
///     let sku = fields.check("sku", sku.parse::<Sku>());
///     let quantity = fields.check("quantity", Quantity::try_from(quantity));
///     let (Some(sku), Some(quantity)) = (sku, quantity) else { return Err(fields.refuse()) };
///     Ok((sku, quantity))
/// }
///
/// assert_eq!(line("", 0).unwrap_err().violations().len(), 2);
/// ```
#[derive(Debug, Default)]
pub struct Fields {
    violations: Vec<FieldViolation>,
}

impl Fields {
    /// Nothing is wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value, or `None` and a note about `field`.
    pub fn check<T, E: Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|problem| self.violation(field, problem)).ok()
    }

    /// The value, or `None` and a note about the field that the error names.
    pub fn take<T>(&mut self, value: Result<T, InvalidField>) -> Option<T> {
        value.map_err(|invalid| self.violation(&invalid.field, invalid.problem)).ok()
    }

    /// Notes that something is wrong with `field`.
    pub fn violation(&mut self, field: &str, problem: impl Display) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(FieldViolation::new(field, problem));
        }
    }

    /// The refusal of the request, with everything noted.
    pub fn refuse(self) -> InvalidRequest {
        InvalidRequest { violations: self.violations }
    }

    /// The refusal if anything was noted.
    pub fn finish(self) -> Result<(), InvalidRequest> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.refuse()) }
    }
}

/// The values of a list of 1 to `max`, each once, in the order in which they come. `parse` is told the path of a value and the value.
///
/// # Errors
/// The list is empty or too long, or values are wrong: all of them are named.
pub fn distinct<T: PartialEq>(
    field: &str,
    values: &[String],
    max: usize,
    parse: impl Fn(&str, &str) -> Result<T, InvalidField>,
) -> Result<Vec<T>, InvalidRequest> {
    let mut fields = Fields::new();
    if values.is_empty() || values.len() > max {
        fields.violation(field, format!("are from 1 to {max}"));
        return Err(fields.refuse());
    }
    let mut distinct = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        if let Some(value) = fields.take(parse(&format!("{field}[{index}]"), value))
            && !distinct.contains(&value)
        {
            distinct.push(value);
        }
    }
    fields.finish()?;
    Ok(distinct)
}

/// A request is wrong in itself, in one field or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is not valid: {}", listed(violations))]
pub struct InvalidRequest {
    violations: Vec<FieldViolation>,
}

impl InvalidRequest {
    /// What is wrong, by field; at most 20.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.violations
    }
}

/// A request with a single wrong field.
impl From<InvalidField> for InvalidRequest {
    fn from(invalid: InvalidField) -> Self {
        Self { violations: vec![FieldViolation::new(invalid.field, invalid.problem)] }
    }
}

impl Classified for InvalidRequest {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }

    fn reason(&self) -> &'static str {
        "INVALID_REQUEST"
    }

    fn field_violations(&self) -> Vec<FieldViolation> {
        self.violations.clone()
    }
}

fn listed(violations: &[FieldViolation]) -> String {
    let each = violations.iter().map(|violation| format!("{}: {}", violation.field, violation.description));
    each.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_fault_passes() {
        let mut fields = Fields::new();
        assert_eq!(fields.check("sku", "MUG-1".parse::<kernel::Sku>()).unwrap().as_str(), "MUG-1");
        assert_eq!(fields.finish(), Ok(()));
    }

    #[test]
    fn every_wrong_field_is_named_once_in_the_answer() {
        let mut fields = Fields::new();
        assert_eq!(fields.check("lines[0].sku", "".parse::<kernel::Sku>()), None);
        assert_eq!(fields.take::<()>(Err(InvalidField::new("order_id", "is required"))), None);
        let refusal = fields.finish().unwrap_err();
        let names: Vec<_> = refusal.violations().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(names, ["lines[0].sku", "order_id"]);
        assert!(refusal.to_string().ends_with("order_id: is required"), "{refusal}");
        assert_eq!((refusal.kind(), refusal.reason()), (ErrorKind::InvalidArgument, "INVALID_REQUEST"));
    }

    #[test]
    fn a_request_with_a_thousand_faults_hears_of_the_first_twenty() {
        let mut fields = Fields::new();
        (0..1000).for_each(|line| fields.violation(&format!("lines[{line}]"), "is wrong"));
        assert_eq!(fields.refuse().violations().len(), 20);
    }
}
