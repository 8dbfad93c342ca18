//! Latchkey: meeting bots, signed in to Zoom. One binary, whose commands are its roles.

mod account;
mod api_client;
mod api_key;
mod app;
mod audit;
mod bot;
mod config;
mod console_login;
mod data_dir;
mod database;
mod demo;
mod descriptors;
mod doctor;
mod events;
mod keys;
mod migrate;
mod observability;
mod output;
mod pool;
mod probe;
mod progress;
mod serve;
mod server;
mod sim;
mod startup_warnings;
mod status;
mod stop_signal;
mod store_copy;
mod terminal_help;
mod token_link;
mod webhook;
mod workspace;

use std::process::ExitCode;

use api_client::OnServer;
use clap::{Parser, Subcommand};

/// Exit code: the command ran, and its result is negative.
const EXIT_PROBLEMS_FOUND: u8 = 3;
const EXIT_CODES: &str = "Exit codes: 0 done; 1 it failed, with one line that says why; 2 wrong arguments; 3 it ran, and the \
                          result is negative: a bot that has failed, an account that does not work, no way to sign in, a fault.";

/// Meeting bots, signed in to Zoom.
#[derive(Parser)]
#[command(version, about, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// What to log: a level, or a filter such as `info,bots=debug`. Default: `info`; some commands log less.
    #[arg(long, env = "LATCHKEY_LOG", value_name = "FILTER", global = true, help_heading = output::COMMON)]
    log: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: token broker, bots and API.
    Serve(serve::Arguments),
    /// Bring the schema of the configured database up to date.
    Migrate(migrate::Arguments),
    /// Show, rotate and retire the keys that secrets are sealed with.
    Keys(keys::Arguments),
    /// Move an installation to another database.
    Store(store_copy::Arguments),
    /// List and export who received which token.
    Audit(audit::Arguments),
    /// Show whether bots can sign in now, and what to do if not.
    Status(status::Arguments),
    /// Check everything that an installation needs, and show how to fix problems.
    Doctor(doctor::Arguments),
    /// Check whether Zoom behaves as the simulator assumes, and report the differences.
    Probe(probe::Arguments),
    /// Register and list Zoom apps.
    App(OnServer<app::Command>),
    /// Connect, list, check and disconnect Zoom accounts.
    Account(OnServer<account::Command>),
    /// Send bots into meetings, and watch them.
    Bot(OnServer<bot::Command>),
    /// Create and list pools: several accounts under one name.
    Pool(OnServer<pool::Command>),
    /// Create, list and revoke token links: URLs from which bot platforms fetch tokens.
    TokenLink(OnServer<token_link::Command>),
    /// Create, list and test webhook endpoints, and print what is sent to one.
    Webhook(OnServer<webhook::Command>),
    /// Print the events of a workspace, and follow new ones.
    Events(events::Arguments),
    /// Create and list workspaces: tenants of one installation.
    Workspace(workspace::Arguments),
    /// Create, list and revoke API keys.
    ApiKey(api_key::Arguments),
    /// Sign a browser in to the console.
    Console(console_login::Arguments),
    /// Run the Zoom simulator.
    Sim(sim::Arguments),
    /// Watch real bots join a meeting that only admits signed-in users.
    Demo(demo::Arguments),
    /// Print the API as an OpenAPI document in JSON. A server serves it at `/openapi.json`, with its own address.
    Openapi,
    /// Print the meaning of each sub code of a bot, and what to do, as Markdown.
    SubCodes,
    /// Print the meaning of each error code, who can act and how, as Markdown.
    ErrorCodes,
    /// Print every setting with its default and meaning, as Markdown.
    Settings,
    /// Print a completion script for a shell.
    Completions(terminal_help::CompletionArguments),
    /// Write man pages.
    Man(terminal_help::ManArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    data_dir::restrict_umask();
    let arguments = Arguments::parse();
    let usual = match arguments.command {
        Command::Demo(_) => "warn",
        // Problems are reported as findings, not logged.
        Command::Doctor(_) | Command::Probe(_) => "off",
        _ => "info",
    };
    let observability = match observability::start(arguments.log.as_deref().unwrap_or(usual)) {
        Ok(observability) => observability,
        Err(error) => return complain(&model::chain(error.as_ref()).to_string()),
    };
    let done = match arguments.command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Migrate(arguments) => migrate::run(arguments).await,
        Command::Keys(arguments) => keys::run(arguments).await,
        Command::Store(arguments) => store_copy::run(arguments).await,
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::Status(arguments) => status::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Probe(arguments) => probe::run(arguments).await,
        Command::App(arguments) => app::run(arguments).await,
        Command::Account(arguments) => account::run(arguments).await,
        Command::Bot(arguments) => bot::run(arguments).await,
        Command::Pool(arguments) => pool::run(arguments).await,
        Command::TokenLink(arguments) => token_link::run(arguments).await,
        Command::Webhook(arguments) => webhook::run(arguments).await,
        Command::Events(arguments) => events::run(arguments).await,
        Command::Workspace(arguments) => workspace::run(arguments).await,
        Command::ApiKey(arguments) => api_key::run(arguments).await,
        Command::Console(arguments) => console_login::run(arguments).await,
        Command::Sim(arguments) => sim::run(arguments).await,
        Command::Openapi => {
            println!("{:#}", api::document());
            Ok(())
        }
        Command::SubCodes => {
            print!("{}", model::sub_codes_page());
            Ok(())
        }
        Command::ErrorCodes => {
            print!("{}", api::error_codes_page());
            Ok(())
        }
        Command::Settings => {
            print!("{}", config::settings_page());
            Ok(())
        }
        Command::Completions(arguments) => {
            terminal_help::completions(&arguments);
            Ok(())
        }
        Command::Man(arguments) => terminal_help::man(&arguments),
        Command::Demo(arguments) => {
            let code = demo::run(arguments).await;
            observability.stop();
            return code;
        }
    };
    observability.stop();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failed = complain(&model::chain(error.as_ref()).to_string());
            if error.is::<output::ProblemsFound>() { ExitCode::from(EXIT_PROBLEMS_FOUND) } else { failed }
        }
    }
}

/// Prints an error in one line that says what to do.
fn complain(line: &str) -> ExitCode {
    eprintln!("latchkey: {line}");
    ExitCode::FAILURE
}
