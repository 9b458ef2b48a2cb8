//! Headers that the operator keeps from every upstream.

use http::header::HeaderName;

use crate::words::header::plain;

/// The name of a header that goes to no upstream at all.
///
/// A front that authenticates an app's paths and names the person in a header has to empty that header on the recorder's
/// path too; this is for where it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropHeader(HeaderName);

impl DropHeader {
    /// Reads a name, of any case; `_` is `-`, as servers behind CGI and WSGI read it.
    ///
    /// # Errors
    /// A sentence, for what is not a name of a header.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim().replace('_', "-");
        let name =
            name.parse().map_err(|_| format!("`{text}` is not a name of a header: write x-remote-user"))?;
        Ok(Self(name))
    }

    /// Whether this is the header.
    #[must_use]
    pub fn is(&self, name: &HeaderName) -> bool {
        *plain(name) == *self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_any_case_and_an_underscore_is_a_hyphen() {
        for said in ["X-Remote-User", "x_remote_user", " X_REMOTE-user "] {
            let dropped = DropHeader::parse(said).unwrap();
            for name in ["x-remote-user", "x_remote_user", "X-Remote_User"] {
                assert!(dropped.is(&name.parse().unwrap()), "{said} {name}");
            }
            for name in ["x-remote-users", "remote-user", "x-remote"] {
                assert!(!dropped.is(&name.parse().unwrap()), "{said} {name}");
            }
        }
    }

    #[test]
    fn what_is_no_name_says_so() {
        for bad in ["", " ", "x y", "x:y", "x-*é"] {
            assert!(DropHeader::parse(bad).unwrap_err().contains("x-remote-user"), "{bad}");
        }
    }
}
