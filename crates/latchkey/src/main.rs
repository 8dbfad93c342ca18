//! Latchkey: meeting bots, signed in to Zoom. One binary; its commands are its roles.

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

/// The command did its work, and what it found is bad.
const EXIT_PROBLEMS_FOUND: u8 = 3;
const EXIT_CODES: &str = "Exit codes: 0 done; 1 it failed, and says why in one line; 2 wrong arguments; 3 it did its work, and what it \
                          found is bad: a bot that has failed, an account that does not work, no way to sign in, a fault.";

/// Meeting bots, signed in to Zoom.
#[derive(Parser)]
#[command(version, about, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// What to log: a level, or a filter such as `info,bots=debug`. Default `info`; some commands log less.
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
    /// List and export who was given which token.
    Audit(audit::Arguments),
    /// Say whether bots can sign in now, and what to do if not.
    Status(status::Arguments),
    /// Look at everything that an installation needs, and say how to mend what is wrong.
    Doctor(doctor::Arguments),
    /// Ask Zoom what the simulator supposes of it, and report what is so.
    Probe(probe::Arguments),
    /// Register and list Zoom apps.
    App(OnServer<app::Command>),
    /// Connect, list, check and disconnect Zoom accounts.
    Account(OnServer<account::Command>),
    /// Send bots into meetings, and watch them.
    Bot(OnServer<bot::Command>),
    /// Make and list pools: several accounts behind one name.
    Pool(OnServer<pool::Command>),
    /// Make, list and revoke addresses that bot platforms fetch tokens from.
    TokenLink(OnServer<token_link::Command>),
    /// Make, list and test endpoints that are told of events; print what one is sent.
    Webhook(OnServer<webhook::Command>),
    /// Print what happened in a workspace, and follow what happens.
    Events(events::Arguments),
    /// Make and list workspaces: tenants of one installation.
    Workspace(workspace::Arguments),
    /// Make, list and revoke keys of the API.
    ApiKey(api_key::Arguments),
    /// Sign a browser in to the console.
    Console(console_login::Arguments),
    /// Run the Zoom simulator.
    Sim(sim::Arguments),
    /// Watch real bots join a meeting that only admits signed-in users.
    Demo(demo::Arguments),
    /// Print the API as an OpenAPI document, in JSON. A server has it at `/openapi.json`, with its own address.
    Openapi,
    /// Print what each sub code of a bot means, and what can be done, as Markdown.
    SubCodes,
    /// Print what each error code means, who can act, and how, as Markdown.
    ErrorCodes,
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
        // What goes wrong is a finding.
        Command::Doctor(_) | Command::Probe(_) => "off",
        _ => "info",
    };
    let observability = match observability::start(arguments.log.as_deref().unwrap_or(usual)) {
        Ok(observability) => observability,
        Err(error) => return complain(&format!("{error:#}")),
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
            let failed = complain(&format!("{error:#}"));
            if error.is::<output::ProblemsFound>() { ExitCode::from(EXIT_PROBLEMS_FOUND) } else { failed }
        }
    }
}

/// One line that says what to do.
fn complain(line: &str) -> ExitCode {
    eprintln!("latchkey: {line}");
    ExitCode::FAILURE
}
