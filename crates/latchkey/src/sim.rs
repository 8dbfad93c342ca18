//! `latchkey sim`: the Zoom simulator, on this machine.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use zoom_sim::{Ready, Simulator, SimulatorConfig};

use crate::stop_signal::{StopArguments, StopSignal};

/// The port that clients without a simulator setting use.
const HTTPS: u16 = 443;
/// Host names that OAuth and REST clients use. `*.zoom.us` would also redirect the SDK's files.
const NAMES: [&str; 6] =
    ["zoom.us", "www.zoom.us", "api.zoom.us", "us02web.zoom.us", "us04web.zoom.us", "us06web.zoom.us"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Serve zoom.us, api.zoom.us and similar names, and print how to make clients use this simulator.
    #[arg(long)]
    as_zoom: bool,
    /// Port of the simulated zoom.us; 0 chooses a free one. Default: 0, or 443 with --as-zoom.
    #[arg(long, visible_alias = "port")]
    zoom_port: Option<u16>,
    /// Port of the control API; 0 chooses a free one.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// Folder of the certificate authority, which clients then trust across restarts.
    #[arg(long, default_value = "data/sim")]
    directory: PathBuf,
    /// Make ids and tokens reproducible: the same number gives the same ids and tokens.
    #[arg(long)]
    seed: Option<u64>,
    /// Create a meeting and play it from this file (TOML; the simulator's README has an example).
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Write a configuration for `latchkey serve` that uses this simulator instead of Zoom, to a new file.
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
    #[command(flatten)]
    stop: StopArguments,
}

/// Runs until told to stop. Prints one line of JSON when ready.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let stop = StopSignal::listen(arguments.stop)?;
    let script = match &arguments.script {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .with_context(|| format!("--script: cannot read {}", path.display()))?,
        ),
        None => None,
    };
    let config = SimulatorConfig {
        zoom_port: arguments.zoom_port.unwrap_or(if arguments.as_zoom { HTTPS } else { 0 }),
        control_port: arguments.control_port,
        directory: arguments.directory,
        seed: arguments.seed,
    };
    let simulator = if arguments.as_zoom {
        let simulator = Simulator::start_as_zoom(config).await?;
        eprint!("{}", way_here(simulator.ready()));
        simulator
    } else {
        Simulator::start(config).await?
    };
    let mut ready = serde_json::to_value(simulator.ready())?;
    if let Some((script, path)) = script.zip(arguments.script.clone()) {
        match simulator.play(&script) {
            Ok(meeting) => ready["meeting"] = serde_json::to_value(meeting)?,
            Err(error) => {
                simulator.stop().await;
                anyhow::bail!("--script: {}: {error}", path.display());
            }
        }
    }
    if let Some(path) = &arguments.write_config
        && let Err(error) = write_config(path, simulator.ready())
    {
        simulator.stop().await;
        return Err(error);
    }
    println!("{ready}");
    stop.asked().await;
    simulator.stop().await;
    Ok(())
}

/// Writes the `[zoom]` settings for this simulator.
fn write_config(path: &Path, ready: &Ready) -> anyhow::Result<()> {
    let ca_file = ready.ca_file.canonicalize().unwrap_or_else(|_| ready.ca_file.clone());
    let section = toml::Table::from_iter([
        ("oauth_base".to_owned(), ready.zoom_base.clone().into()),
        ("api_base".to_owned(), ready.api_base.clone().into()),
        ("ca_file".to_owned(), ca_file.display().to_string().into()),
        ("meeting_address".to_owned(), ready.zoom_address.clone().into()),
        ("meeting_spki".to_owned(), ready.spki.clone().into()),
        ("simulator_control".to_owned(), ready.control.clone().into()),
    ]);
    let config = toml::Table::from_iter([("zoom".to_owned(), toml::Value::Table(section))]);
    let text = format!("# Written by `latchkey sim`: this Zoom is a simulator.\n{config}");
    let made = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    made.with_context(|| {
        format!("--write-config: cannot create {}: give the name of a new file", path.display())
    })
}

/// Instructions for making clients on this machine use the simulator instead of Zoom.
fn way_here(ready: &Ready) -> String {
    let ca_file = std::path::absolute(&ready.ca_file).unwrap_or_else(|_| ready.ca_file.clone());
    let ca_file = ca_file.display();
    let mut text = format!(
        "This simulator replaces Zoom and never calls it. While the names below point here, no program on this\n\
         machine reaches the real Zoom.\n\n\
         1. Names. Add to /etc/hosts, and remove it afterwards:\n\n     127.0.0.1 {}\n\n\
         2. Trust, for each client separately (the authority belongs to this machine; its key is stored next to it):\n\n",
        NAMES.join(" ")
    );
    for (variable, whose) in [
        ("NODE_EXTRA_CA_CERTS", "Node.js"),
        ("REQUESTS_CA_BUNDLE", "Python, requests"),
        ("SSL_CERT_FILE", "Python's own ssl, httpx, OpenSSL, Go, Ruby"),
        ("CURL_CA_BUNDLE", "curl"),
    ] {
        let _ = writeln!(text, "     export {variable}={ca_file}   # {whose}");
    }
    let _ = write!(text, "\n3. Apps and users: the control API at {}\n", ready.control);
    if !ready.zoom_address.ends_with(&format!(":{HTTPS}")) {
        let _ = write!(
            text,
            "\nClients expect port {HTTPS}, but this is {}: forward one to the other, or configure the clients.\n",
            ready.zoom_address
        );
    }
    text + "\n"
}
