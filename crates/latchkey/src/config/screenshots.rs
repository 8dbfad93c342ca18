//! `[screenshots]`: where pictures of bots' pages are stored, and for how long.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use anyhow::{anyhow, bail};
use bots::{Bucket, ScreenshotFiles};
use model::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::pasted::{pasted_or_none, secret_in};
use crate::data_dir;

/// `[screenshots]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScreenshotsSection {
    /// Retention of pictures, in days.
    pub(super) keep_days: NonZeroU32,
    /// The folder; `<data_dir>/screenshots` if not set.
    folder: Option<PathBuf>,
    /// A bucket, instead of a folder.
    s3: Option<S3Section>,
}

/// `[screenshots.s3]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct S3Section {
    bucket: String,
    /// Amazon's name of the region; most other providers accept any.
    #[serde(default = "us_east_1")]
    region: String,
    /// Endpoint URL; Amazon's if not set.
    endpoint: Option<Url>,
    /// Prefix of our objects' names.
    prefix: Option<String>,
    #[serde(default, deserialize_with = "pasted_or_none")]
    access_key_id: Option<String>,
    #[serde(skip_serializing, default, deserialize_with = "pasted_or_none")]
    secret_access_key: Option<Secret>,
    /// A file with the key, instead of `secret_access_key`.
    secret_access_key_file: Option<PathBuf>,
}

fn us_east_1() -> String {
    "us-east-1".into()
}

impl Default for ScreenshotsSection {
    fn default() -> Self {
        Self { keep_days: NonZeroU32::new(30).expect("not zero"), folder: None, s3: None }
    }
}

impl ScreenshotsSection {
    /// The storage of pictures. A folder is created; a bucket is not contacted yet.
    pub(crate) fn files(&self, data_dir: &Path) -> anyhow::Result<ScreenshotFiles> {
        match (&self.folder, &self.s3) {
            (Some(_), Some(_)) => bail!("screenshots.folder and screenshots.s3 are both set: remove one"),
            (None, Some(s3)) => {
                ScreenshotFiles::bucket(&s3.bucket()?).map_err(|error| anyhow!("screenshots.s3: {error}"))
            }
            (folder, None) => {
                let folder = folder.clone().unwrap_or_else(|| data_dir.join("screenshots"));
                let files = ScreenshotFiles::folder(&folder);
                let files = files.map_err(|error| {
                    anyhow!("cannot use {} ({error}): make it writable", folder.display())
                })?;
                data_dir::check_folder("screenshots.folder", &folder)?;
                Ok(files)
            }
        }
    }

    /// Whether pictures are stored below `data_dir`, where no other server finds them.
    pub(super) fn are_beside_other_data(&self) -> bool {
        self.folder.is_none() && self.s3.is_none()
    }

    /// The folder, if pictures have one of their own.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

impl S3Section {
    fn bucket(&self) -> anyhow::Result<Bucket> {
        let secret = match (&self.secret_access_key, &self.secret_access_key_file) {
            (Some(_), Some(_)) => {
                bail!("screenshots.s3: secret_access_key and secret_access_key_file are both set: remove one")
            }
            (Some(secret), None) => Some(secret.clone()),
            (None, Some(path)) => Some(secret_in("screenshots.s3.secret_access_key_file", path)?),
            (None, None) => None,
        };
        let keys = match (&self.access_key_id, secret) {
            (Some(id), Some(secret)) => Some((id.clone(), secret)),
            (None, None) => None,
            _ => bail!("screenshots.s3: set both access_key_id and its secret, or neither"),
        };
        Ok(Bucket {
            name: self.bucket.clone(),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            prefix: self.prefix.clone(),
            keys,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use crate::config::Config;

    fn files(text: &str) -> Result<bots::ScreenshotFiles, String> {
        let config: Config = toml::from_str(text).unwrap();
        config.screenshots.files(Path::new("data")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bucket_and_its_keys_are_read_and_the_secret_is_not_printed() {
        let text = "[screenshots.s3]\nbucket = 'pictures'\nendpoint = 'http://127.0.0.1:9'\n\
                    access_key_id = 'id'\nsecret_access_key = 'planted'\n";
        let config: Config = toml::from_str(text).unwrap();
        for printed in [format!("{config:?}"), toml::to_string(&config).unwrap()] {
            assert!(!printed.contains("planted"), "{printed}");
        }
        assert!(!format!("{:?}", files(text).unwrap()).contains("planted"));
    }

    #[test]
    fn an_existing_folder_must_be_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pictures");
        let text = format!("[screenshots]\nfolder = '{}'", path.display());
        fs::create_dir(&path).unwrap();
        for (mode, is_fine) in [(0o700, true), (0o750, false), (0o701, false), (0o777, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let taken = files(&text);
            assert_eq!(taken.is_ok(), is_fine, "{mode:o}");
            if let Err(words) = taken {
                assert!(words.contains("screenshots.folder") && words.contains("chmod 700"), "{words}");
            }
        }
    }

    #[test]
    fn contradicting_settings_are_refused() {
        let s3 = "[screenshots.s3]\nbucket = 'pictures'\n";
        let both = files(&format!("[screenshots]\nfolder = 'elsewhere'\n{s3}")).unwrap_err();
        assert!(both.contains("remove one"), "{both}");
        let half = files(&format!("{s3}access_key_id = 'id'\n")).unwrap_err();
        assert!(half.contains("or neither"), "{half}");
        let missing = "access_key_id = 'id'\nsecret_access_key_file = '/no/such/file'\n";
        let missing = files(&format!("{s3}{missing}")).unwrap_err();
        assert!(missing.contains("/no/such/file"), "{missing}");
    }
}
