//! Compares Stockade with what somebody would use instead, and prints ratios of medians measured in one run.
//!
//! `just bench` builds everything optimised and runs it. Nothing here fails for being slow: the figures are for people.
//!
//! - `component list`: ten VMs through the component `web`, a fresh instance each time, against a native HTTP client.
//! - `command list`: the command, with a cached component, against a process that is the same native client.
//! - `policy`: deciding about a request, signing it, scrubbing its response, each alone.
//! - `server memory`: the HTTP API with a thousand connections configured, and a hundred of them used.
//! - `aws`: a thousand VMs in moto through the component `aws`, against a native client.
//! - `upload`: 1 GiB to S3 through the component `aws`, against native clients that stream the same file.
//! - `openstack`: five hundred servers listed, an image of 1 GiB uploaded (`--bytes N` for another size), against native clients.
//! - `nova`: five hundred servers at a real Nova, which is installed first (four minutes).
//! - `libvirt`: five hundred domains, the command and the server against `virsh` and kcli.

#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]

mod aws;
mod command;
mod component;
mod libvirt;
mod memory;
mod native;
mod openstack;
mod policy;
mod sink;
mod statistics;

use std::process::ExitCode;

/// What every benchmark may fail with.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures something and prints it.
type Benchmark = fn() -> Result<()>;

/// Threads for what is measured.
fn threads(count: usize) -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build()?)
}

fn main() -> ExitCode {
    if let Some(code) = stockade::become_child_if_asked() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, url] = arguments.as_slice()
        && flag == native::FLAG
    {
        return exit(native::print_list(url));
    }
    if let [flag, notes, image] = arguments.as_slice()
        && flag == libvirt::FLAG
    {
        return exit(libvirt::run_inside(notes, image));
    }
    let chosen = |name: &str| {
        arguments.first().is_none_or(|first| first.starts_with("--"))
            || arguments.iter().any(|argument| argument == name)
    };
    let benchmarks: [(&str, Benchmark); 9] = [
        ("policy", policy::run),
        ("component", component::run),
        ("command", command::run),
        ("memory", memory::run),
        ("libvirt", libvirt::run),
        ("aws", aws::list::run),
        ("upload", aws::upload::run),
        ("openstack", openstack::canned::run),
        ("nova", openstack::real::run),
    ];
    let mut code = ExitCode::SUCCESS;
    for (name, run) in benchmarks {
        if chosen(name) && exit(run()) == ExitCode::FAILURE {
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn exit(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("could not be measured: {error}");
            ExitCode::FAILURE
        }
    }
}
