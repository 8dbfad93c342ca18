//! Where pictures lie: in a folder, or in a bucket that speaks S3. Every server of an installation may share either.

use std::{io, path::Path, sync::Arc, time::Duration};

use model::Secret;
use object_store::{
    ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem,
    prefix::PrefixStore,
};
use url::Url;

/// For one request to a bucket. A bot waits for its picture.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A bucket that fails is asked again, once and soon.
const RETRIES: usize = 1;

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Where it is, if it is not Amazon's.
    pub endpoint: Option<Url>,
    /// What the names of our objects begin with, if anything.
    pub prefix: Option<String>,
    /// Key id and secret key. Without them the process's environment gives credentials, or the machine's role.
    pub keys: Option<(String, Secret)>,
}

/// What holds pictures.
#[derive(Debug, Clone)]
pub struct PictureFiles(pub(crate) Arc<dyn ObjectStore>);

impl PictureFiles {
    /// In a folder, which is made if it is missing.
    pub fn folder(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let files = LocalFileSystem::new_with_prefix(path)?.with_automatic_cleanup(true);
        Ok(Self(Arc::new(files)))
    }

    /// In a bucket. It is not asked yet.
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
            // Objects are deleted one by one, and not every server that speaks S3 deletes many at once.
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
