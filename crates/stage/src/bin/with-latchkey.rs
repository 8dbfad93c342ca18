//! `with-latchkey [--bots SDK] FOLDER COMMAND [ARGUMENT…]`: runs a command next to a simulated Zoom and a Latchkey that has
//! an app there. With `--bots`, Latchkey runs one bot at a time, with Zoom's SDK from that folder.
//!
//! Logs and data go to the folder, which is emptied first. The command gets these environment variables:
//!
//! | variable | |
//! |---|---|
//! | `LATCHKEY_URL`, `LATCHKEY_API_KEY` | Latchkey's URL, and an API key |
//! | `LATCHKEY_APP` | the id of a user-level app at Latchkey |
//! | `ZOOM_CONTROL`, `ZOOM_CLIENT_ID` | the simulator's control API, and the same app at Zoom |

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use model::Environment;
use serde_json::json;
use stage::{Server, Simulator, text};
use tokio::process::Command;

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("with-latchkey: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the command succeeded.
async fn run(arguments: Vec<OsString>) -> anyhow::Result<bool> {
    let (sdk, arguments) = match &arguments[..] {
        [bots, sdk, rest @ ..] if bots == "--bots" => (Some(Path::new(sdk)), rest),
        arguments => (None, arguments),
    };
    let [folder, command, arguments @ ..] = arguments else {
        bail!("give a folder, a command, and the command's arguments")
    };
    let folder = emptied(Path::new(folder))?;
    let (env, http) = (Environment::system(), stage::client()?);
    // Cargo puts it next to this program, built with the same profile.
    let latchkey = std::env::current_exe()?.with_file_name("latchkey");
    let (zoom, log) = (folder.join("zoom"), folder.join("simulator.log"));
    let simulator = Simulator::start(&latchkey, &zoom, &log, http.clone(), &env).await?;
    let config = configure(&folder, &simulator, sdk)?;
    let log = folder.join("latchkey.log");
    let server = Server::start(&latchkey, &config, None, &log, http, &env).await?;

    let app = simulator.post("/apps", &json!({ "name": "Latchkey", "kind": "user_level" })).await?;
    let registration = json!({ "kind": "user_level", "client_id": app["client_id"],
                               "client_secret": app["client_secret"], "webhook_secret": "of-the-webhook" });
    let registered = server.post("/api/v2/zoom-oauth-apps/", &registration).await?;
    let status = Command::new(command)
        .args(arguments)
        .env("LATCHKEY_URL", &server.url)
        .env("LATCHKEY_API_KEY", server.api_key.expose())
        .env("LATCHKEY_APP", text(&registered, "id")?)
        .env("ZOOM_CONTROL", &simulator.ready.control)
        .env("ZOOM_CLIENT_ID", text(&app, "client_id")?)
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("cannot run {}", command.display()))?;
    server.stop().await;
    simulator.stop(&env).await;
    Ok(status.success())
}

fn emptied(folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder.canonicalize()?)
}

/// Writes the configuration of a token broker, with one bot at a time if an SDK is given. Callbacks to this machine are
/// allowed, and there are no rate limits.
fn configure(folder: &Path, simulator: &Simulator, sdk: Option<&Path>) -> anyhow::Result<PathBuf> {
    let zoom = &simulator.ready;
    let mut configuration = json!({
        "listen": "127.0.0.1:0",
        "data_dir": folder.join("data"),
        "zoom": { "oauth_base": zoom.zoom_base, "api_base": zoom.api_base, "ca_file": zoom.ca_file },
        "bots": { "capacity": 0 },
        "callbacks": { "allow_networks": ["127.0.0.0/8"] },
        "limits": { "enabled": false },
    });
    if let Some(sdk) = sdk {
        configuration["bots"] = json!({ "capacity": 1 });
        configuration["browser"] = json!({ "sdk_dir": sdk.canonicalize().context("the SDK's folder")? });
        configuration["zoom"]["meeting_address"] = json!(zoom.zoom_address);
        configuration["zoom"]["meeting_spki"] = json!(zoom.spki);
    }
    let path = folder.join("latchkey.toml");
    std::fs::write(&path, toml::to_string(&configuration)?)?;
    Ok(path)
}
