//! Stores pictures in a folder or in an S3-compatible bucket. The servers of an installation may share either.

use std::{io, path::Path, sync::Arc, time::Duration};

use model::Secret;
use object_store::{
    ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem,
    prefix::PrefixStore,
};
use url::Url;

/// The time limit for one request to a bucket. A bot waits until its picture is stored.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a failed request to a bucket is retried.
const RETRIES: usize = 1;

/// An S3-compatible bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The bucket's name.
    pub name: String,
    /// The bucket's region.
    pub region: String,
    /// The URL of the S3 API; `None` for Amazon's.
    pub endpoint: Option<Url>,
    /// The prefix of this installation's object names.
    pub prefix: Option<String>,
    /// Key id and secret key. Without them, credentials come from the process's environment or from the machine's role.
    pub keys: Option<(String, Secret)>,
}

/// A folder or bucket that stores pictures.
#[derive(Debug, Clone)]
pub struct ScreenshotFiles(pub(crate) Arc<dyn ObjectStore>);

impl ScreenshotFiles {
    /// Stores pictures in a folder, which is created if it is missing.
    pub fn folder(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let files = LocalFileSystem::new_with_prefix(path)?.with_automatic_cleanup(true);
        Ok(Self(Arc::new(files)))
    }

    /// Stores pictures in a bucket. Sends no request yet.
    pub fn bucket(bucket: &Bucket) -> Result<Self, object_store::Error> {
        let builder = match &bucket.keys {
            None => AmazonS3Builder::from_env(),
            Some((id, secret)) => {
                AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret.expose())
            }
        };
        let plain = bucket.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http");
        let client = ClientOptions::new()
            .with_allow_http(plain)
            .with_timeout(REQUEST_TIMEOUT)
            .with_connect_timeout(CONNECT_TIMEOUT);
        let retry = RetryConfig { max_retries: RETRIES, ..RetryConfig::default() };
        let builder = builder
            .with_client_options(client)
            .with_retry(retry)
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            // Objects are deleted one by one: not every S3-compatible server supports bulk deletion.
            .with_disable_bulk_delete(true);
        let builder = match &bucket.endpoint {
            Some(endpoint) => builder.with_endpoint(endpoint.as_str().trim_end_matches('/')),
            None => builder,
        };
        let files = builder.build()?;
        Ok(match &bucket.prefix {
            Some(prefix) => Self(Arc::new(PrefixStore::new(files, prefix.as_str()))),
            None => Self(Arc::new(files)),
        })
    }
}
