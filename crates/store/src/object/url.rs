//! The names of objects.

use std::fmt;
use std::str::FromStr;

/// The longest key, in bytes; S3, Google and Azure have the same limit.
const MAX_KEY: usize = 1024;

/// Whose object store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectScheme {
    /// `s3`: Amazon's, or one that speaks its protocol.
    S3,
    /// `gs`: Google Cloud Storage.
    Gs,
    /// `az`: Azure Blob Storage. Its buckets are called containers; `container@account` names the account too.
    Az,
}

/// A checked name in an object store: `s3://bucket/images/shop.tar`. The key is as it stands: nothing in it is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectUrl {
    scheme: ObjectScheme,
    bucket: String,
    key: String,
}

/// What is wrong with the name of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectUrlError {
    /// It does not begin with a scheme that is known.
    #[error("it does not begin with s3://, gs:// or az://")]
    Scheme,
    /// There is no bucket, or one with other letters than buckets have.
    #[error("its bucket is not of letters, digits, `.`, `_` and `-`")]
    Bucket,
    /// There is no key.
    #[error("it names no key: a name, or a prefix that ends with a slash")]
    NoKey,
    /// The key has a part that no two programs would understand alike.
    #[error("its key has a part that is empty, `.` or `..`, or a control character")]
    Key,
    /// The key is too long.
    #[error("its key has more than {MAX_KEY} bytes")]
    Length,
}

impl ObjectScheme {
    fn text(self) -> &'static str {
        match self {
            ObjectScheme::S3 => "s3",
            ObjectScheme::Gs => "gs",
            ObjectScheme::Az => "az",
        }
    }
}

impl ObjectUrl {
    /// Whose store it is.
    pub fn scheme(&self) -> ObjectScheme {
        self.scheme
    }

    /// The bucket or container; for [`ObjectScheme::Az`], perhaps with an account behind `@`.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key, or the prefix of keys: that is empty or ends with a slash.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Does it name all keys that begin so, rather than one?
    pub fn is_prefix(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// The same as a prefix of keys.
    #[must_use]
    pub fn into_prefix(mut self) -> Self {
        if !self.is_prefix() {
            self.key.push('/');
        }
        self
    }
}

impl FromStr for ObjectUrl {
    type Err = ObjectUrlError;
    fn from_str(text: &str) -> Result<Self, ObjectUrlError> {
        let schemes = [ObjectScheme::S3, ObjectScheme::Gs, ObjectScheme::Az];
        let (scheme, rest) = schemes
            .into_iter()
            .find_map(|scheme| Some((scheme, text.strip_prefix(scheme.text())?.strip_prefix("://")?)))
            .ok_or(ObjectUrlError::Scheme)?;
        let (bucket, key) = rest.split_once('/').map_or((rest, None), |(bucket, key)| (bucket, Some(key)));
        let is_bucket = |name: &str| {
            let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            !name.is_empty() && name.bytes().all(word)
        };
        let parts = bucket.split('@').collect::<Vec<_>>();
        let most = if scheme == ObjectScheme::Az { 2 } else { 1 };
        if parts.len() > most || !parts.iter().all(|part| is_bucket(part)) {
            return Err(ObjectUrlError::Bucket);
        }
        let key = key.ok_or(ObjectUrlError::NoKey)?;
        let is_part =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control());
        let names = key.strip_suffix('/').unwrap_or(key);
        if !key.is_empty() && !names.split('/').all(is_part) {
            return Err(ObjectUrlError::Key);
        }
        if key.len() > MAX_KEY {
            return Err(ObjectUrlError::Length);
        }
        Ok(ObjectUrl { scheme, bucket: bucket.into(), key: key.into() })
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.scheme.text(), self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects_are_read_and_written() {
        for (text, scheme, bucket, key, is_prefix) in [
            ("s3://b/shop.tar", ObjectScheme::S3, "b", "shop.tar", false),
            ("s3://my.bucket-1/a/b c%20+=.tar", ObjectScheme::S3, "my.bucket-1", "a/b c%20+=.tar", false),
            ("gs://b_1/images/", ObjectScheme::Gs, "b_1", "images/", true),
            ("gs://b/", ObjectScheme::Gs, "b", "", true),
            ("az://container/é.tar", ObjectScheme::Az, "container", "é.tar", false),
            ("az://container@account/x/", ObjectScheme::Az, "container@account", "x/", true),
        ] {
            let url: ObjectUrl = text.parse().unwrap();
            assert_eq!((url.scheme(), url.bucket(), url.key()), (scheme, bucket, key), "{text}");
            assert_eq!((url.is_prefix(), url.to_string()), (is_prefix, text.to_string()));
            assert!(url.into_prefix().is_prefix());
        }
    }

    #[test]
    fn what_names_no_object_is_refused() {
        let long = format!("s3://b/{}", "x".repeat(1025));
        for (text, error) in [
            ("b/x", ObjectUrlError::Scheme),
            ("s3:/b/x", ObjectUrlError::Scheme),
            ("S3://b/x", ObjectUrlError::Scheme),
            ("s3:///x", ObjectUrlError::Bucket),
            ("s3://user:secret@b/x", ObjectUrlError::Bucket),
            ("s3://a@b/x", ObjectUrlError::Bucket),
            ("az://a@b@c/x", ObjectUrlError::Bucket),
            ("az://a@/x", ObjectUrlError::Bucket),
            ("s3://b", ObjectUrlError::NoKey),
            ("s3://b//x", ObjectUrlError::Key),
            ("s3://b/a//", ObjectUrlError::Key),
            ("s3://b/../x", ObjectUrlError::Key),
            ("s3://b/a/./x", ObjectUrlError::Key),
            ("s3://b/a\nb", ObjectUrlError::Key),
            (&long, ObjectUrlError::Length),
        ] {
            assert_eq!(text.parse::<ObjectUrl>(), Err(error), "{text}");
        }
    }
}
