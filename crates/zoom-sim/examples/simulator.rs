//! Runs the simulator alone until Ctrl-C: `cargo run -p zoom-sim --example simulator [directory]`.
//! Prints its addresses as one line of JSON.

use zoom_sim::{Simulator, SimulatorConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory =
        std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("zoom-sim"), Into::into);
    let config = SimulatorConfig { zoom_port: 0, control_port: 0, directory, seed: None };
    let simulator = Simulator::start(config).await?;
    println!("{}", serde_json::to_string(simulator.ready())?);
    tokio::signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(())
}
