//! What a site knows of a kind of item; it may be wrong or missing.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a SKU: 1 to 64 of `a-z 0-9 - _`, as its catalogue folder is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SkuName(Arc<str>);

impl SkuName {
    /// Checks and takes a name; the message of a refusal names the rule.
    ///
    /// # Errors
    /// A sentence with the name and the rule.
    pub fn new(name: &str) -> Result<Self, String> {
        let good = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if good {
            Ok(Self(name.into()))
        } else {
            Err(format!("SKU name {name:?} must be 1 to 64 characters of a-z, 0-9, - and _"))
        }
    }
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SkuName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SkuName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What a surface is made of, as far as holding it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Material {
    /// Printed carton or board.
    Carton,
    /// Rigid plastic: tubs, bottles, blister.
    Plastic,
    /// Metal: cans, tins.
    Metal,
    /// Glass.
    Glass,
    /// Thin film around loose content.
    Film,
    /// Woven cloth.
    Fabric,
    /// Nets and mesh: holds no vacuum.
    Mesh,
}

/// How easily an item is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fragility {
    /// May be pressed with 30 N and dropped from 0.2 m.
    Sturdy,
    /// Pressed with at most 15 N, dropped from at most 0.1 m.
    Normal,
    /// Pressed with at most 5 N, dropped from at most 0.05 m.
    Fragile,
}

/// The nominal shape of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A box with flat faces.
    Box,
    /// A round body, its axis along the box's z.
    Cylinder,
    /// A flat pack: a box whose height is far below its sides.
    Flat,
}

/// What a site knows of one SKU: `sku.toml` in its catalogue folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sku {
    /// Its name; the same as its folder's.
    pub name: SkuName,
    /// EAN-13 digits, if it has a barcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barcode: Option<String>,
    /// Nominal size of its box, metres: x, y, z in the item's frame.
    pub size_m: [f64; 3],
    /// Nobody measured it: `size_m` is a guess, and says nothing of what an item is. False where the file says nothing.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub size_unknown: bool,
    /// Nominal mass, kilograms; absent where nobody weighed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_kg: Option<f64>,
    /// Nominal shape.
    pub shape: Shape,
    /// What its surface is made of.
    pub material: Material,
    /// How easily it is damaged.
    pub fragility: Fragility,
    /// Its z axis must stay up where it is put down; false where the file says nothing.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub upright: bool,
}

/// The size that stands in for one that nobody measured, metres: a household good (estimate).
pub const GUESSED_SIZE_M: [f64; 3] = [0.15, 0.1, 0.06];

impl Sku {
    /// Checks ranges: sides 5 mm to 0.6 m, mass 1 g to 25 kg, barcode of 13 digits with a right check digit.
    ///
    /// # Errors
    /// The field, its value and the rule.
    pub fn check(&self) -> Result<(), SkuError> {
        for side in self.size_m {
            if !(0.005..=0.6).contains(&side) {
                return Err(SkuError {
                    field: "size_m",
                    value: format!("{:?}", self.size_m),
                    rule: "each side from 0.005 to 0.6 m",
                });
            }
        }
        if let Some(mass) = self.mass_kg
            && !(0.001..=25.0).contains(&mass)
        {
            return Err(SkuError { field: "mass_kg", value: mass.to_string(), rule: "from 0.001 to 25 kg" });
        }
        if let Some(barcode) = &self.barcode
            && !is_ean13(barcode)
        {
            return Err(SkuError {
                field: "barcode",
                value: barcode.clone(),
                rule: "13 digits, the last the EAN-13 check digit",
            });
        }
        Ok(())
    }

    /// Nominal volume of its box, cubic metres.
    #[must_use]
    pub fn volume_m3(&self) -> f64 {
        self.size_m.iter().product()
    }
}

/// Why an `sku.toml` is refused: field, value, rule. Nothing was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkuError {
    /// The key in `sku.toml`.
    pub field: &'static str,
    /// The value found.
    pub value: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl fmt::Display for SkuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; must be {}", self.field, self.value, self.rule)
    }
}
impl core::error::Error for SkuError {}

/// True for 13 digits whose last is the check digit (GS1 General Specifications, 7.9: weights 1 and 3).
#[must_use]
pub fn is_ean13(digits: &str) -> bool {
    let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    digits.len() == 13 && {
        let sum: u32 = digits[..12].iter().zip([1, 3].iter().cycle()).map(|(d, w)| d * w).sum();
        (10 - sum % 10) % 10 == digits[12]
    }
}

/// The SKUs a site knows, ordered by name.
pub type Catalogue = BTreeMap<SkuName, Sku>;

/// What a tote should hold: how many of each SKU. It may be wrong.
pub type Manifest = BTreeMap<SkuName, u32>;

#[cfg(test)]
mod tests {
    use super::*;

    fn tea() -> Sku {
        Sku {
            name: SkuName::new("tea-box").unwrap(),
            barcode: Some("4006381333931".into()),
            size_m: [0.12, 0.08, 0.06],
            mass_kg: Some(0.25),
            shape: Shape::Box,
            material: Material::Carton,
            fragility: Fragility::Normal,
            upright: false,
            size_unknown: false,
        }
    }

    #[test]
    fn what_must_stay_upright_says_so_and_others_need_not() {
        let text = serde_json::to_string(&tea()).unwrap();
        assert!(!text.contains("upright"), "{text}");
        assert_eq!(serde_json::from_str::<Sku>(&text).unwrap(), tea());
        let upright = Sku { upright: true, ..tea() };
        let text = serde_json::to_string(&upright).unwrap();
        assert!(text.contains("\"upright\":true"), "{text}");
        assert_eq!(serde_json::from_str::<Sku>(&text).unwrap(), upright);
    }

    #[test]
    fn a_refused_sku_names_field_value_and_rule() {
        assert_eq!(tea().check(), Ok(()));
        let check = |change: fn(&mut Sku), expected: &str| {
            let mut sku = tea();
            change(&mut sku);
            assert_eq!(sku.check().unwrap_err().to_string(), expected);
        };
        check(|s| s.size_m[1] = -0.08, "size_m is [0.12, -0.08, 0.06]; must be each side from 0.005 to 0.6 m");
        check(|s| s.mass_kg = Some(f64::NAN), "mass_kg is NaN; must be from 0.001 to 25 kg");
        check(
            |s| s.barcode = Some("4006381333932".into()),
            "barcode is 4006381333932; must be 13 digits, the last the EAN-13 check digit",
        );
    }

    #[test]
    fn a_name_with_other_characters_is_refused() {
        assert!(SkuName::new("Tea Box").unwrap_err().contains("a-z, 0-9, - and _"));
        assert!(serde_json::from_str::<SkuName>("\"../x\"").is_err());
        assert_eq!(SkuName::new("tea_box-2").unwrap().as_str(), "tea_box-2");
    }
}
