//! `latchkey audit list`.

use model::{ApiKeyId, CredentialId, Timestamp, TokenLinkId};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::export::time;
use crate::{
    api_client::{Server, ServerArguments, id},
    output::{Output, text},
};

#[derive(clap::Args)]
pub(super) struct List {
    /// Only records from this time on: 2026-01-31 or 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Only records before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only tokens of this account.
    #[arg(long, value_name = "ID", value_parser = id::<CredentialId>)]
    credential: Option<CredentialId>,
    /// Only tokens requested through this token link.
    #[arg(long, value_name = "ID", value_parser = id::<TokenLinkId>)]
    token_link: Option<TokenLinkId>,
    /// Only tokens requested with this API key.
    #[arg(long, value_name = "ID", value_parser = id::<ApiKeyId>)]
    by_api_key: Option<ApiKeyId>,
    /// Only tokens for this bot, by its id at Latchkey or at the requesting platform.
    #[arg(long, value_name = "ID")]
    bot: Option<String>,
    /// The maximum number of records to show; `audit export` writes all of them.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    most: usize,
    #[command(flatten)]
    server: ServerArguments,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(list: List) -> anyhow::Result<()> {
    let server = Server::of(list.server, "api/latchkey/v1/audit/")?;
    let mut query = Serializer::new(String::new());
    for (name, value) in [
        ("since", list.since.map(|at| at.to_string())),
        ("until", list.until.map(|at| at.to_string())),
        ("credential", list.credential.map(|id| id.to_string())),
        ("token_link", list.token_link.map(|id| id.to_string())),
        ("api_key", list.by_api_key.map(|id| id.to_string())),
        ("bot", list.bot),
    ] {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    let records = server.up_to(list.most, &format!("?{}", query.finish())).await?;
    let header = ["at", "outcome", "token", "account", "asked by", "meeting", "bot", "from"];
    list.output.list(header, &records, |record: &Value| {
        let asked = format!("{} {}", text(record, "who"), text(record, "who_id"));
        [
            text(record, "at"),
            text(record, "outcome"),
            text(record, "kind"),
            text(record, "credential"),
            asked,
            text(record, "meeting"),
            text(record, "bot"),
            text(record, "from"),
        ]
    });
    Ok(())
}
