//! Checks the database and the key ring: whether they can be used, and whether they belong together.

use std::sync::Arc;

use model::{Environment, chain};
use sealing::{KeyFileError, Keys, KeysError};
use store::Store;
use store_sql::{postgres, sqlite};
use tenants::{Vault, Workspaces};

use super::{
    Examined,
    report::{Finding, Report},
};
use crate::{
    database::{Database, sqlite_file},
    keys,
};

const DATABASE: &str = "database";
const KEYS: &str = "key_ring";
const NOTHING_WORKS: &str = "The server does not start without it: it contains all accounts, links and bots.";

/// A database, and the key ring that opens it.
pub(super) struct Installation {
    pub(super) database: Database,
    pub(super) vault: Vault,
}

/// `None` if one of the two cannot be used; the report then contains the fault.
pub(super) async fn open(examined: &Examined, report: &mut Report) -> Option<Installation> {
    let database = database(examined, report).await;
    let keys = key_ring(examined, database.as_ref(), report).await;
    match (database, keys) {
        (Some(database), Some(keys)) => Some(Installation { database, vault: Vault::new(keys) }),
        (Some(database), None) => {
            database.close().await;
            None
        }
        (None, _) => None,
    }
}

async fn database(examined: &Examined, report: &mut Report) -> Option<Database> {
    let (config, path) = (&examined.config, sqlite_file(&examined.config));
    match config.postgres() {
        Err(error) => {
            let fix = "Correct database_url, or the file that database_url_file names.";
            report.add(Finding::fault(DATABASE, chain(error.as_ref()).to_string(), NOTHING_WORKS, fix));
            return None;
        }
        Ok(None) if !path.exists() => {
            let found = format!("{} does not exist yet: the first start creates it", path.display());
            report.add(Finding::ok(DATABASE, found));
            return None;
        }
        // Opening would migrate the database under a server of an older version.
        Ok(None) => {
            if let Err(error) = sqlite::check(&path).await {
                report.add(sqlite_trouble(&error));
                return None;
            }
        }
        Ok(Some(_)) => {}
    }
    let opened = Database::open(config).await;
    let database = match opened {
        Ok(database) => database,
        Err(error) => {
            report.add(postgres_trouble(&error));
            return None;
        }
    };
    if let Err(error) = database.store().probe().await {
        report.add(Finding::fault(
            DATABASE,
            format!("it cannot be written: {error}"),
            "Accounts cannot be connected or refreshed, and bots cannot be sent.",
            "Free disk space, or make the user that runs latchkey the owner of its files.",
        ));
    } else {
        let version =
            database.version().await.unwrap_or_else(|error| format!("of unknown version ({error})"));
        report.add(Finding::ok(DATABASE, format!("{version}, with the schema of this version")));
    }
    Some(database)
}

fn sqlite_trouble(error: &sqlite::OpenError) -> Finding {
    let (found, advice) = parts(&error.to_string());
    match error {
        sqlite::OpenError::TooOld { .. } => Finding::warning(
            DATABASE,
            found,
            "The next start of this version migrates it, and older versions refuse it from then on. Its content was not \
             checked.",
            "Back it up, then start this version.",
        ),
        _ => Finding::fault(DATABASE, found, NOTHING_WORKS, advice),
    }
}

fn postgres_trouble(error: &anyhow::Error) -> Finding {
    let (found, advice) = parts(&chain(error.as_ref()).to_string());
    match error.downcast_ref::<postgres::OpenError>() {
        Some(postgres::OpenError::TooOld { .. }) => {
            Finding::fault(DATABASE, found, "The server refuses to start on it.", "Run `latchkey migrate`.")
        }
        _ => Finding::fault(DATABASE, found, NOTHING_WORKS, advice),
    }
}

/// Error messages of this product have the advice after the last `: `.
fn parts(message: &str) -> (String, String) {
    let (found, advice) = message.rsplit_once(": ").unwrap_or((message, "See the previous line."));
    (found.to_owned(), advice.to_owned())
}

async fn key_ring(
    examined: &Examined,
    database: Option<&Database>,
    report: &mut Report,
) -> Option<Arc<Keys>> {
    const WHY: &str =
        "Without its own key ring no stored secret can be opened, and the server does not start.";
    let Examined { config, env, .. } = examined;
    let opened = match keys::provider(config) {
        Ok(provider) => provider.open(env).await,
        Err(error) => {
            report.add(Finding::fault(KEYS, chain(error.as_ref()).to_string(), WHY, "Remove one of them."));
            return None;
        }
    };
    let keys = match opened {
        Ok(keys) => Arc::new(keys),
        Err(KeysError::File(KeyFileError::Missing(path))) if is_new(database).await => {
            let found = format!("{} does not exist yet: the first start creates it", path.display());
            report.add(Finding::ok(KEYS, found));
            return None;
        }
        Err(error) => {
            let (found, advice) = parts(&error.to_string());
            report.add(Finding::fault(KEYS, found, WHY, advice));
            return None;
        }
    };
    if let Some(database) = database
        && let Err(error) = opens(&database.store(), &keys, env).await
    {
        let (found, advice) = parts(&error);
        report.add(Finding::fault(KEYS, format!("it does not open this database: {found}"), WHY, advice));
        return None;
    }
    report.add(Finding::ok(KEYS, format!("it seals with {}", keys.active_key_id())));
    Some(keys)
}

async fn is_new(database: Option<&Database>) -> bool {
    match database {
        None => true,
        Some(database) => database.store().workspaces().await.is_ok_and(|workspaces| workspaces.is_empty()),
    }
}

async fn opens(store: &Arc<dyn Store>, keys: &Arc<Keys>, env: &Environment) -> Result<(), String> {
    let workspaces = Workspaces::new(store.clone(), Vault::new(keys.clone()), env.clone());
    workspaces.check_keys().await.map(drop).map_err(|error| error.to_string())
}
