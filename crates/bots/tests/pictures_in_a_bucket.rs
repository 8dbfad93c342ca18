//! Pictures in a bucket. A small server on loopback implements the needed part of S3; it does not check signatures.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Query, Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use bots::{Bucket, ScreenshotFiles, Screenshots};
use model::{
    ApiKeyId, ApiScopes, BotId, BotStatus, Code, Environment, Sealed, Secret, StatusChange, WorkspaceId,
};
use store::{ApiKey, Bot, Store, Workspace};
use tokio_util::task::TaskTracker;

/// The objects of the bucket by path, and the `Authorization` header of each request.
#[derive(Clone, Default)]
struct S3(Arc<Mutex<BTreeMap<String, Bytes>>>, Arc<Mutex<Vec<String>>>);

async fn answer(State(s3): State<S3>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let signed = request.headers().get("authorization").map(|header| header.to_str().unwrap().to_owned());
    s3.1.lock().unwrap().push(signed.unwrap_or_default());
    let listed = Query::<BTreeMap<String, String>>::try_from_uri(request.uri()).unwrap().0;
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let mut objects = s3.0.lock().unwrap();
    match method {
        Method::PUT => {
            objects.insert(path, body);
            [("etag", "\"1\"")].into_response()
        }
        Method::GET if listed.contains_key("list-type") => {
            let prefix =
                format!("{path}/{}", listed.get("prefix").map_or("", String::as_str)).replace("//", "/");
            let here = objects.iter().filter(|(name, _)| name.starts_with(&prefix));
            let mut contents = String::new();
            for (name, object) in here {
                let (key, size) = (name.trim_start_matches('/').split_once('/').unwrap().1, object.len());
                let modified = "<LastModified>2026-11-29T00:00:00.000Z</LastModified>";
                let one = format!("<Key>{key}</Key>{modified}<ETag>\"1\"</ETag><Size>{size}</Size>");
                contents.extend(["<Contents>", &one, "</Contents>"]);
            }
            let result =
                format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>");
            ([("content-type", "application/xml")], result).into_response()
        }
        Method::GET => match objects.get(&path) {
            Some(object) => {
                let modified = [("etag", "\"1\""), ("last-modified", "Sun, 29 Nov 2026 00:00:00 GMT")];
                (modified, object.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Method::DELETE => {
            objects.remove(&path);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// A bot in a new store.
async fn world(folder: &std::path::Path) -> (Environment, Arc<dyn Store>, WorkspaceId, BotId) {
    let env = Environment::system();
    let store: Arc<dyn Store> = Arc::new(store_sql::sqlite::open(&folder.join("latchkey.db")).await.unwrap());
    let (id, now) = (WorkspaceId::generate(&env), env.now());
    let workspace = Workspace {
        id,
        name: "w".into(),
        callback_secret: Sealed(vec![1]),
        former_callback_secret: None,
        bot_limit: None,
        second_authorization: store::SecondAuthorization::default(),
        ignored_fields: store::IgnoredFields::default(),
        created_at: now,
    };
    let key = ApiKey {
        id: ApiKeyId::generate(&env),
        workspace: id,
        name: "first".into(),
        digest: [0; 32],
        prefix: "lk_".into(),
        scopes: ApiScopes::of_a_workspace(),
        per_minute: None,
        created_at: now,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    };
    assert!(store.create_first_workspace(&workspace, &key).await.unwrap());
    let ready = StatusChange { code: BotStatus::Ready, message: None, created_at: now, sub_code: None };
    let bot = Bot {
        id: BotId::generate(&env),
        workspace: id,
        request: Sealed(vec![1]),
        meeting_digest: [0; 32],
        join_at: None,
        metadata: BTreeMap::new(),
        signs_in_with: store::SignsInWith::default(),
        status_changes: vec![ready],
        leave_requested_at: None,
        leased_until: None,
        output_revision: 0,
        created_at: now,
    };
    store.add_bot(&bot, None).await.unwrap();
    (env, store, id, bot.id)
}

fn bucket(endpoint: &str) -> Bucket {
    Bucket {
        name: "pictures".into(),
        region: "eu-central-1".into(),
        endpoint: Some(endpoint.parse().unwrap()),
        prefix: Some("of/latchkey".into()),
        keys: Some(("planted-id".into(), Secret::new("planted-secret"))),
    }
}

#[tokio::test]
async fn two_servers_share_a_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let (env, store, workspace, bot) = world(folder.path()).await;
    let s3 = S3::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Router::new().fallback(answer).with_state(s3.clone());
    TaskTracker::new().spawn(async move { axum::serve(listener, server).await });

    let files = ScreenshotFiles::bucket(&bucket(&endpoint)).unwrap();
    assert!(!format!("{files:?}").contains("planted-secret"));
    let one = Screenshots::new(files.clone(), store.clone(), env.clone());
    let other =
        Screenshots::new(ScreenshotFiles::bucket(&bucket(&endpoint)).unwrap(), store.clone(), env.clone());
    let id = one.store(bot, b"\x89PNG of one").await.unwrap();
    assert_eq!(other.read(workspace, bot, id).await.unwrap().unwrap(), b"\x89PNG of one");
    let held = || s3.0.lock().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(held(), [format!("/pictures/of/latchkey/{bot}/{id}.png")]);
    for signed in s3.1.lock().unwrap().iter() {
        assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=planted-id/"), "{signed}");
        assert!(!signed.contains("planted-secret"), "{signed}");
    }

    // The row is deleted. The file is newer than `ROW_DELAY`, so the sweep leaves it.
    store.delete_screenshots(workspace, bot).await.unwrap();
    s3.0.lock().unwrap().insert("/pictures/of/latchkey/somebody-else.txt".into(), Bytes::new());
    s3.0.lock().unwrap().insert("/pictures/elsewhere/file.png".into(), Bytes::new());
    let long_ago = env.now() - Duration::from_secs(3600);
    assert_eq!(other.sweep(long_ago).await.unwrap().files, 0);
    // A file from an hour ago without a row.
    let old = model::ScreenshotId::generate_at(long_ago, &env);
    s3.0.lock().unwrap().insert(format!("/pictures/of/latchkey/{bot}/{old}.png"), Bytes::new());
    assert_eq!(other.sweep(long_ago).await.unwrap().files, 1);
    assert_eq!(held().len(), 3, "foreign files, and the new one");

    one.store(bot, b"\x89PNG").await.unwrap();
    one.delete(workspace, bot).await.unwrap();
    assert_eq!(held().len(), 3);
}

#[tokio::test]
async fn an_unavailable_bucket_ends_no_bot() {
    let folder = tempfile::tempdir().unwrap();
    let (env, store, workspace, bot) = world(folder.path()).await;
    let vacant = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let files = ScreenshotFiles::bucket(&bucket(&format!("http://{vacant}"))).unwrap();
    let screenshots = Screenshots::new(files, store.clone(), env.clone());
    assert_eq!(screenshots.store(bot, b"\x89PNG").await, None);
    assert!(screenshots.list(workspace, bot).await.unwrap().is_empty(), "no row without a file");
    // A picture that another server stored in its own folder.
    let elsewhere = ScreenshotFiles::folder(&folder.path().join("elsewhere")).unwrap();
    let id = Screenshots::new(elsewhere, store.clone(), env.clone()).store(bot, b"\x89PNG").await.unwrap();
    let here = ScreenshotFiles::folder(&folder.path().join("here")).unwrap();
    for files in [ScreenshotFiles::bucket(&bucket(&format!("http://{vacant}"))).unwrap(), here] {
        let failure = Screenshots::new(files, store.clone(), env.clone()).read(workspace, bot, id).await;
        assert_eq!(failure.unwrap_err().code, Code::Unavailable);
    }
}
