use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::excerpt::Excerpt;
use crate::serde_text;

/// A currency that people pay with, by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Brazilian real, 2 digits.
    pub const BRL: Self = Self(*b"BRL");
    /// Swiss franc, 2 digits.
    pub const CHF: Self = Self(*b"CHF");
    /// Euro, 2 digits.
    pub const EUR: Self = Self(*b"EUR");
    /// Pound sterling, 2 digits.
    pub const GBP: Self = Self(*b"GBP");
    /// Yen, no minor unit.
    pub const JPY: Self = Self(*b"JPY");
    /// Kuwaiti dinar, 3 digits.
    pub const KWD: Self = Self(*b"KWD");
    /// US dollar, 2 digits.
    pub const USD: Self = Self(*b"USD");

    /// The three capital letters of ISO 4217.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a code in the table is ASCII")
    }

    /// How many decimal digits the minor unit has: 2 for the euro and its cents, 0 for the yen.
    pub fn minor_digits(self) -> u32 {
        minor_digits_of(self.0).expect("a currency is made only from the table")
    }
}

/// ISO 4217, list one: the digits of each code's minor unit, `None` for a code that is not in use.
///
/// Funds, metals, units of account and test codes (such as CLF, XAU, XXX) are left out: nobody can pay with them. A
/// code is never removed when its currency is withdrawn, because stored orders must stay readable.
const fn minor_digits_of(code: [u8; 3]) -> Option<u32> {
    match &code {
        b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"VND"
        | b"VUV" | b"XAF" | b"XOF" | b"XPF" => Some(0),

        b"AED" | b"AFN" | b"ALL" | b"AMD" | b"AOA" | b"ARS" | b"AUD" | b"AWG" | b"AZN" | b"BAM" | b"BBD" | b"BDT"
        | b"BGN" | b"BMD" | b"BND" | b"BOB" | b"BRL" | b"BSD" | b"BTN" | b"BWP" | b"BYN" | b"BZD" | b"CAD" | b"CDF"
        | b"CHF" | b"CNY" | b"COP" | b"CRC" | b"CUP" | b"CVE" | b"CZK" | b"DKK" | b"DOP" | b"DZD" | b"EGP" | b"ERN"
        | b"ETB" | b"EUR" | b"FJD" | b"FKP" | b"GBP" | b"GEL" | b"GHS" | b"GIP" | b"GMD" | b"GTQ" | b"GYD" | b"HKD"
        | b"HNL" | b"HTG" | b"HUF" | b"IDR" | b"ILS" | b"INR" | b"IRR" | b"JMD" | b"KES" | b"KGS" | b"KHR" | b"KPW"
        | b"KYD" | b"KZT" | b"LAK" | b"LBP" | b"LKR" | b"LRD" | b"LSL" | b"MAD" | b"MDL" | b"MGA" | b"MKD" | b"MMK"
        | b"MNT" | b"MOP" | b"MRU" | b"MUR" | b"MVR" | b"MWK" | b"MXN" | b"MYR" | b"MZN" | b"NAD" | b"NGN" | b"NIO"
        | b"NOK" | b"NPR" | b"NZD" | b"PAB" | b"PEN" | b"PGK" | b"PHP" | b"PKR" | b"PLN" | b"QAR" | b"RON" | b"RSD"
        | b"RUB" | b"SAR" | b"SBD" | b"SCR" | b"SDG" | b"SEK" | b"SGD" | b"SHP" | b"SLE" | b"SOS" | b"SRD" | b"SSP"
        | b"STN" | b"SVC" | b"SYP" | b"SZL" | b"THB" | b"TJS" | b"TMT" | b"TOP" | b"TRY" | b"TTD" | b"TWD" | b"TZS"
        | b"UAH" | b"USD" | b"UYU" | b"UZS" | b"VED" | b"VES" | b"WST" | b"XCD" | b"XCG" | b"YER" | b"ZAR" | b"ZMW"
        | b"ZWG" => Some(2),

        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => Some(3),

        _ => None,
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is not the code of a currency in use. Codes are written in capital letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a currency: expected an ISO 4217 code such as EUR")]
pub struct UnknownCurrency(Excerpt);

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .filter(|code| minor_digits_of(*code).is_some())
            .map(Self)
            .ok_or_else(|| UnknownCurrency(Excerpt::of(text)))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Every currency of the table, found by trying all codes.
    pub(crate) fn all_currencies() -> Vec<Currency> {
        let letters = || b'A'..=b'Z';
        let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
        codes.filter(|code| minor_digits_of(*code).is_some()).map(Currency).collect()
    }

    #[test]
    fn every_code_reads_back_as_itself() {
        let currencies = all_currencies();
        assert!(currencies.len() >= 156, "a code was lost: stored orders must stay readable");
        for currency in currencies {
            assert_eq!(currency.code().parse(), Ok(currency));
            let json = serde_json::to_string(&currency).unwrap();
            assert_eq!(serde_json::from_str::<Currency>(&json).unwrap(), currency);
        }
    }

    #[test]
    fn minor_digits_follow_iso_4217() {
        for (currency, digits) in [
            (Currency::BRL, 2),
            (Currency::CHF, 2),
            (Currency::EUR, 2),
            (Currency::GBP, 2),
            (Currency::JPY, 0),
            (Currency::KWD, 3),
            (Currency::USD, 2),
        ] {
            assert_eq!(currency.minor_digits(), digits, "{currency}");
        }
    }

    #[test]
    fn what_nobody_can_pay_with_is_refused() {
        for text in ["", "eur", "Eur", "EURO", "EU", "€", "XXX", "XTS", "XAU", "CLF", "E\0R"] {
            let refusal = text.parse::<Currency>().unwrap_err().to_string();
            assert!(refusal.contains("ISO 4217"), "{refusal}");
        }
    }
}
