//! `latchkey demo`: real bots, in real Chromium with Zoom's real SDK, in a meeting that only admits signed-in users.
//!
//! Simulator and server run as separate processes, as a user would run them. The demo only calls them over HTTP, and presses
//! Allow in a browser.

mod meeting_report;
mod report;
mod run_folder;
mod screen;
mod steps;
mod story;

use std::{path::PathBuf, pin::pin, process::ExitCode};

use model::{Environment, chain};

use crate::stop_signal::{StopArguments, StopSignal};
use run_folder::RunFolder;
use screen::Screen;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave everything running at the end, and print what to try.
    #[arg(long)]
    stay: bool,
    /// Folder for the report and the screenshots.
    #[arg(long, default_value = "out/demo")]
    out: PathBuf,
    /// Folder for databases, keys and certificates.
    #[arg(long, default_value = "data/demo")]
    data: PathBuf,
    /// Chromium: a path, or a name on `PATH`.
    #[arg(long, env = "LATCHKEY_BROWSER__CHROMIUM", default_value = "chromium")]
    chromium: PathBuf,
    /// The `dist` folder of `@zoom/meetingsdk`.
    #[arg(long, env = "LATCHKEY_BROWSER__SDK_DIR", default_value = "web/node_modules/@zoom/meetingsdk/dist")]
    sdk_dir: PathBuf,
    /// Chromium's own sandbox. Default: on, unless running as root.
    #[arg(long, env = "LATCHKEY_BROWSER__SANDBOX")]
    sandbox: Option<bool>,
    #[command(flatten)]
    stop: StopArguments,
}

/// Exits with 0 only if every step succeeded.
pub(crate) async fn run(arguments: Arguments) -> ExitCode {
    let (env, screen) = (Environment::system(), Screen::new());
    let (folder, stop) = match prepare(&arguments, &env) {
        Ok(prepared) => prepared,
        Err(error) => return crate::complain(&chain(error.as_ref()).to_string()),
    };
    let mut stop = pin!(stop.asked());
    let told = tokio::select! {
        told = story::tell(&arguments, &folder, &screen, &env) => Some(told),
        () = &mut stop => None,
    };
    let told = match told {
        Some(Ok(ending)) => {
            if arguments.stay {
                screen.doing("running; Ctrl-C stops");
                stop.await;
            }
            screen.doing("stopping");
            Some(Ok(ending.stop(&env).await))
        }
        Some(Err(error)) => Some(Err(error)),
        None => None,
    };
    // The story was dropped, so every process it started has ended or is being killed.
    screen.clear();
    match told {
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => {
            crate::complain(&format!("not every step succeeded: see {}", folder.out().display()))
        }
        Some(Err(error)) => {
            crate::complain(&format!("{}; the logs are in {}", chain(error.as_ref()), folder.out().display()))
        }
        None => match folder.remove(&*env.clock).await {
            Ok(()) => crate::complain("interrupted: nothing was left behind"),
            Err(error) => crate::complain(&format!("interrupted: {}", chain(error.as_ref()))),
        },
    }
}

fn prepare(arguments: &Arguments, env: &Environment) -> anyhow::Result<(RunFolder, StopSignal)> {
    Ok((RunFolder::make(&arguments.out, &arguments.data, env.now())?, StopSignal::listen(arguments.stop)?))
}
