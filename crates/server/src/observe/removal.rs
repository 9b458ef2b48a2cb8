//! Why a stored recording is removed.

/// A word for metrics and a sentence for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    Expired,
    Deleted,
    ScopeQuota,
    Quota,
    FileSystem,
}

impl Removal {
    pub(crate) const ALL: [Self; 5] =
        [Self::Expired, Self::Deleted, Self::ScopeQuota, Self::Quota, Self::FileSystem];

    /// The label of the metric.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::ScopeQuota => "scope-quota",
            Self::Quota => "quota",
            Self::FileSystem => "file-system",
        }
    }

    /// What the line says.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::Expired => {
                "nobody used it for --ttl, a later one has replaced it, or it is older than --max-age"
            }
            Self::Deleted => "it was deleted",
            Self::ScopeQuota => "its scope's disk quota is used up",
            Self::Quota => "the disk quota is used up",
            Self::FileSystem => "the file system is full",
        }
    }
}
