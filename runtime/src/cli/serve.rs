//! `serve`: the HTTP API. The one command that lives long, and the one with several threads.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use stockade::Runtime;
use stockade::engine::EngineProfile;
use stockade::http_api::{DEFAULT_LISTEN, ServeOptions, Server};
use tracing_subscriber::EnvFilter;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::terminal;

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 for any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// The file with the token that clients must present; `api-token` in the data directory otherwise, made on first use
    #[arg(long, value_name = "FILE", conflicts_with = "without_token")]
    token_file: Option<PathBuf>,
    /// Serve everybody who can connect; on a loopback address only
    #[arg(long)]
    without_token: bool,
}

/// Chooses what is logged, in `tracing`'s words: `info`, `stockade=debug`.
const LOG_VARIABLE: &str = "STOCKADE_LOG";

/// Serves until it is told to stop.
pub(crate) fn run(arguments: Serve) -> Outcome {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // Told on standard error otherwise; when that is what failed, the server would die of it.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .init();
    let runtime = Runtime::builder().profile(EngineProfile::Server).build()?;
    let threads = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::from(stockade::Error::io("starting", &error)))?;
    let outcome = threads.block_on(serve(runtime.clone(), arguments));
    // The server has waited for its requests; a call that nobody waits for any more must not keep it from ending.
    threads.shutdown_background();
    if let Err(error) = runtime.flush_audit() {
        terminal::note(&terminal::clean(&format!("warning: {error}")));
    }
    outcome
}

/// Hands over to the HTTP API, and says where it can be reached.
async fn serve(runtime: Runtime, arguments: Serve) -> Outcome {
    let options = ServeOptions {
        listen: arguments.listen,
        token_file: arguments.token_file,
        without_token: arguments.without_token,
        ..ServeOptions::default()
    };
    let server = Server::bind(runtime, &options).await?;
    terminal::note(&format!("the HTTP API is at http://{}/", server.address()));
    Ok(server.run().await?)
}
