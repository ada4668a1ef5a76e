//! Why a robot, tool or cell file is refused, and the checks of ranges that all three share.

use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Why a file that a person wrote is refused. Nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{file}: can't be read", file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not TOML, lacks a key, or has one that is not known.
    #[error("{file}:{line}: {message}", message = source.message().lines().next().unwrap_or_default())]
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        source: Box<toml::de::Error>,
    },
    /// A value is outside its range.
    #[error("{file}: {field} is {value}; must be {rule}")]
    Value {
        /// The file.
        file: String,
        /// The key, dotted.
        field: String,
        /// The value found.
        value: String,
        /// The rule it breaks.
        rule: String,
    },
}

/// Parses TOML; an error knows its line.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(text: &str, file: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|source| {
        let start = source.span().map_or(0, |s| s.start.min(text.len()));
        ConfigError::Syntax {
            file: file.into(),
            line: text.as_bytes()[..start].iter().filter(|&&b| b == b'\n').count() + 1,
            source: Box::new(source),
        }
    })
}

/// Checks the values of one file.
pub(crate) struct Check<'a> {
    pub(crate) file: &'a str,
}

impl Check<'_> {
    pub(crate) fn refuse(
        &self,
        field: impl Into<String>,
        value: impl ToString,
        rule: impl Into<String>,
    ) -> ConfigError {
        ConfigError::Value { file: self.file.into(), field: field.into(), value: value.to_string(), rule: rule.into() }
    }

    pub(crate) fn range(&self, field: &str, value: f64, range: RangeInclusive<f64>) -> Result<(), ConfigError> {
        if range.contains(&value) {
            return Ok(());
        }
        Err(self.refuse(field, value, format!("from {} to {}", range.start(), range.end())))
    }

    pub(crate) fn ranges(&self, field: &str, values: &[f64], range: RangeInclusive<f64>) -> Result<(), ConfigError> {
        for (i, &value) in values.iter().enumerate() {
            self.range(&format!("{field}[{i}]"), value, range.clone())?;
        }
        Ok(())
    }

    /// Names are 1 to 32 of a-z, 0-9 and -.
    pub(crate) fn name(&self, field: &str, name: &str) -> Result<(), ConfigError> {
        let good = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if good { Ok(()) } else { Err(self.refuse(field, format!("{name:?}"), "1 to 32 characters of a-z, 0-9 and -")) }
    }

    /// No name twice.
    pub(crate) fn distinct<'n>(
        &self,
        field: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), ConfigError> {
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                return Err(self.refuse(field, format!("{name:?} twice"), "different for each"));
            }
        }
        Ok(())
    }
}

/// A file that comes with the crate, by name, or one on disk, relative to `folder`.
pub(crate) fn find<T>(
    name: &str,
    folder: &std::path::Path,
    shipped: &[(&str, &str)],
    from_toml: impl Fn(&str, &str) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    if let Some((name, text)) = shipped.iter().find(|(n, _)| *n == name) {
        return from_toml(text, &format!("{name}.toml"));
    }
    let file = folder.join(name);
    let text =
        std::fs::read_to_string(&file).map_err(|source| ConfigError::Unreadable { file: file.clone(), source })?;
    from_toml(&text, &file.to_string_lossy())
}
