//! Several fields in one argument: `10,pool=fast,bus=scsi`. Every field is used or refused.

use super::pair;

/// The fields of an argument, each of which is taken once.
#[derive(Debug)]
pub(crate) struct Fields {
    fields: Vec<(String, String)>,
}

impl Fields {
    /// Splits an argument. A first part without `=` is the field of the name `first`, if there may be one.
    pub(crate) fn parse(text: &str, first: Option<&str>) -> Result<Self, String> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (index, part) in text.split(',').enumerate() {
            fields.push(match first {
                Some(first) if index == 0 && !part.contains('=') => (first.to_owned(), part.to_owned()),
                _ => pair(part).map_err(|error| format!("in `{part}`: {error}"))?,
            });
        }
        Ok(Self { fields })
    }

    /// Takes a field that may be given once.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<String>, String> {
        let mut values = self.take_all(name);
        let value = values.pop();
        match values.is_empty() {
            true => Ok(value),
            false => Err(format!("`{name}` is given twice")),
        }
    }

    /// Takes a field that may be given several times.
    pub(crate) fn take_all(&mut self, name: &str) -> Vec<String> {
        let taken = self.fields.extract_if(.., |(field, _)| field == name);
        taken.map(|(_, value)| value).collect()
    }

    /// Refuses what nobody took; `known` are the fields that there are.
    pub(crate) fn finish(self, known: &str) -> Result<(), String> {
        match self.fields.first() {
            Some((name, _)) => Err(format!("there is no field `{name}`; there are: {known}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_used_or_refused() {
        let mut fields = Fields::parse("10,pool=a,dns=1,dns=2", Some("size")).unwrap();
        assert_eq!(fields.take("size").unwrap().as_deref(), Some("10"));
        assert_eq!(fields.take_all("dns"), ["1", "2"]);
        assert_eq!(
            fields.finish("size, dns").unwrap_err(),
            "there is no field `pool`; there are: size, dns"
        );
        assert!(Fields::parse("a=1,a=2", None).unwrap().take("a").is_err());
        assert!(Fields::parse("10", None).is_err());
        assert!(Fields::parse("", None).is_err());
    }
}
