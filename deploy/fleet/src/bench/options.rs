//! What the bench is asked for.

use std::path::PathBuf;
use std::time::Duration;

/// What is measured, and how much of it. Without a choice of parts, all of them: about six minutes.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The ceilings: bare SQL by pgbench on the same server.
    #[arg(long, help_heading = "Parts")]
    ceilings: bool,
    /// From SubmitCheckout to PAID with so many orders in flight [default: 1,8,32,128,512].
    #[arg(long, help_heading = "Parts", value_name = "COUNT,...", value_delimiter = ',', num_args = 0..=1, default_missing_values = ["1", "8", "32", "128", "512"])]
    closed: Option<Vec<usize>>,
    /// The same, when every other order wants one of four SKUs [default: 128].
    #[arg(long, help_heading = "Parts", value_name = "COUNT,...", value_delimiter = ',', num_args = 0..=1, default_missing_value = "128")]
    hot: Option<Vec<usize>>,
    /// The whole journey with so many under way: cart, two lines, quote, submission, PAID [default: 128].
    #[arg(long, help_heading = "Parts", value_name = "COUNT", num_args = 0..=1, default_missing_value = "128")]
    journey: Option<usize>,
    /// The whole life of an order with so many under way: submission, PAID, a parcel that arrives, CLOSED [default: 64].
    #[arg(long, help_heading = "Parts", value_name = "COUNT", num_args = 0..=1, default_missing_value = "64")]
    whole_life: Option<usize>,
    /// From SubmitCheckout to PAID at half of the greatest rate of the closed loop, whose 512 are measured first if no level is.
    #[arg(long, help_heading = "Parts")]
    half_load: bool,
    /// The same at a rate of your own.
    #[arg(long, help_heading = "Parts", value_name = "ORDERS_PER_SECOND")]
    open: Option<f64>,
    /// At the end, puts so many finished orders into the tables and measures the levels of --closed again.
    #[arg(long, help_heading = "Parts", value_name = "COUNT")]
    preload: Option<usize>,
    /// Orders of each level [default: as many as the time takes].
    #[arg(long, value_name = "COUNT", value_parser = at_least_two)]
    orders: Option<usize>,
    /// How long each level is measured for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Processes of each service.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=4))]
    pub replicas: u16,
    /// Chooses the SKUs that are bought.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// SKUs of each of the 20 sellers.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(5..=1000))]
    pub skus: u16,
    /// Where the results go; emptied before [default: target/bench].
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Lists the statements that each level spent most time on, by pg_stat_statements. Costs some speed.
    #[arg(long)]
    pub statements: bool,
}

/// What is measured, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The ceilings.
    pub ceilings: bool,
    /// Orders in flight, uniform mix.
    pub closed: Vec<usize>,
    /// Orders in flight, hot mix.
    pub hot: Vec<usize>,
    /// Journeys under way.
    pub journey: Option<usize>,
    /// Lives under way.
    pub whole_life: Option<usize>,
    /// Half of the greatest rate.
    pub half_load: bool,
    /// Orders a second.
    pub open: Option<f64>,
    /// Orders to put into the tables before `closed` is measured again.
    pub preload: Option<usize>,
    /// Orders of each level; otherwise as many as the time takes.
    pub orders: Option<usize>,
    /// How long each level is measured for.
    pub window: Duration,
}

impl Options {
    /// The parts that were chosen, or all.
    pub fn plan(&self) -> Plan {
        let chosen = self.ceilings
            || self.closed.is_some()
            || self.hot.is_some()
            || self.journey.is_some()
            || self.whole_life.is_some()
            || self.half_load
            || self.open.is_some()
            || self.preload.is_some();
        let mut plan = Plan {
            ceilings: self.ceilings || !chosen,
            closed: self.closed.clone().unwrap_or_default(),
            hot: self.hot.clone().unwrap_or_default(),
            journey: self.journey,
            whole_life: self.whole_life,
            half_load: self.half_load || !chosen,
            open: self.open,
            preload: self.preload,
            orders: self.orders,
            window: Duration::from_secs(self.seconds),
        };
        if !chosen {
            plan.closed = vec![1, 8, 32, 128, 512];
            plan.hot = vec![128];
            plan.journey = Some(128);
            plan.whole_life = Some(64);
        } else if plan.closed.is_empty() && (plan.half_load || plan.preload.is_some()) {
            plan.closed = vec![512];
        }
        plan
    }
}

fn at_least_two(text: &str) -> Result<usize, String> {
    let count = text.parse::<usize>().map_err(|error| error.to_string())?;
    if count < 2 { Err("one warms up and one is measured: at least 2".to_owned()) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn plan(arguments: &[&str]) -> Plan {
        Line::try_parse_from([&["bench"], arguments].concat()).unwrap().options.plan()
    }

    #[test]
    fn without_a_choice_everything_is_measured() {
        let plan = plan(&[]);
        assert!(plan.ceilings && plan.half_load);
        assert_eq!((plan.closed.len(), plan.hot, plan.journey, plan.open), (5, vec![128], Some(128), None));
        assert_eq!(plan.whole_life, Some(64));
        assert_eq!(plan.preload, None);
    }

    #[test]
    fn a_part_that_is_chosen_is_measured_alone() {
        let closed = plan(&["--closed", "128,512", "--orders", "3000"]);
        assert_eq!((closed.closed, closed.orders), (vec![128, 512], Some(3_000)));
        assert!(!closed.ceilings && !closed.half_load && closed.hot.is_empty() && closed.journey.is_none());
        let all_levels = plan(&["--closed", "--ceilings"]);
        assert_eq!((all_levels.closed, all_levels.ceilings), (vec![1, 8, 32, 128, 512], true));
        assert_eq!(plan(&["--journey"]).journey, Some(128));
        assert_eq!((plan(&["--whole-life"]).whole_life, plan(&["--journey"]).whole_life), (Some(64), None));
    }

    #[test]
    fn half_of_the_greatest_rate_needs_a_rate() {
        assert_eq!(plan(&["--half-load"]).closed, [512]);
        assert_eq!(plan(&["--half-load", "--closed", "8"]).closed, [8]);
    }

    #[test]
    fn one_order_is_too_few() {
        let refusal = Line::try_parse_from(["bench", "--orders", "1"]).unwrap_err().to_string();
        assert!(refusal.contains("at least 2"), "{refusal}");
    }
}
