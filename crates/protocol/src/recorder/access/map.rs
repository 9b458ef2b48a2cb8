//! Mapped origins: where a recorder connects in place of an origin that it is asked for.

use url::Url;

use super::origin::parse_origin;
use crate::recorder::address::Upstream;

/// One mapping, such as `https://app.example=http://app:3000`.
///
/// It says where the origin is, not that it may be fetched: what a proxy in front of the app keeps from the
/// public is not to be had through the recorder, unless an allow entry covers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    from: String,
    to: Url,
}

impl Map {
    /// Reads a mapping.
    ///
    /// # Errors
    /// A sentence, for anything but two http(s) origins.
    pub fn parse(text: &str) -> Result<Self, String> {
        let help = |why: &str| {
            format!("`{text}` is not a mapping ({why}): write https://app.example=http://app:3000")
        };
        let (from, to) = text.split_once('=').ok_or_else(|| help("it has no `=`"))?;
        let from = parse_origin(from.trim()).map_err(|error| help(&error))?;
        let to = parse_origin(to.trim()).map_err(|error| help(&error))?;
        let to = Url::parse(&to).map_err(|error| help(&error.to_string()))?;
        Ok(Self { from, to })
    }

    /// Whether it is of this origin, as [`parse_origin`] returns it.
    #[must_use]
    pub fn is_of(&self, origin: &str) -> bool {
        self.from == origin
    }

    /// The origin that is asked for.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.from
    }
}

/// Where to connect for this upstream, where its origin is mapped: the same path and query elsewhere.
#[must_use]
pub fn find(maps: &[Map], upstream: &Upstream) -> Option<Url> {
    let origin = upstream.url().origin().ascii_serialization();
    let map = maps.iter().find(|map| map.is_of(&origin))?;
    let mut url = map.to.clone();
    url.set_path(upstream.url().path());
    url.set_query(upstream.url().query());
    Some(url)
}

/// The authority of an upstream, as its `host` header has it.
#[must_use]
pub fn authority(upstream: &Upstream) -> String {
    let url = upstream.url();
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(url: &str) -> Option<String> {
        let maps = [Map::parse("https://app.example=http://app:3000").unwrap()];
        find(&maps, &Upstream::parse(url).unwrap()).map(|url| url.to_string())
    }

    #[test]
    fn path_and_query_go_along() {
        assert_eq!(
            mapped("https://app.example/a%2Fb/%E4?x=%20&y").as_deref(),
            Some("http://app:3000/a%2Fb/%E4?x=%20&y")
        );
        assert_eq!(mapped("https://app.example").as_deref(), Some("http://app:3000/"));
        assert_eq!(mapped("https://app.example/?").as_deref(), Some("http://app:3000/?"));
        assert_eq!(mapped("https://app.example//evil/x").as_deref(), Some("http://app:3000//evil/x"));
    }

    #[test]
    fn other_origins_are_not_mapped() {
        for url in
            ["http://app.example/", "https://app.example:8443/", "https://a.app.example/", "http://app:3000/"]
        {
            assert_eq!(mapped(url), None, "{url}");
        }
    }

    #[test]
    fn a_mapping_is_two_origins() {
        for bad in [
            "",
            "https://a.example",
            "https://a.example=",
            "a=b",
            "https://a.example/x=http://b",
            "https://a.example=ftp://b",
        ] {
            assert!(Map::parse(bad).unwrap_err().contains("https://app.example=http://app:3000"), "{bad}");
        }
    }

    #[test]
    fn the_app_sees_the_authority_that_it_is_known_by() {
        assert_eq!(authority(&Upstream::parse("https://app.example:443/x").unwrap()), "app.example");
        assert_eq!(authority(&Upstream::parse("http://[::1]:81/x").unwrap()), "[::1]:81");
    }

    #[test]
    fn a_mapping_is_of_one_origin() {
        let map = Map::parse("HTTPS://app.example:443 = http://app:3000").unwrap();
        assert_eq!(map.origin(), "https://app.example");
        assert!(map.is_of("https://app.example") && !map.is_of("http://app:3000"));
    }
}
