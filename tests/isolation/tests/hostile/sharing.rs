//! Many hostile guests at once, and what they leave to the others: memory, cores, turns.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stockade::connections::Isolation;
use stockade::{Error, Home, HostLimits, Runtime, Service};
use stockade_test_support::artifacts;

use crate::lab::{Lab, Setup, Trial, command, greet};
use crate::server::Server;

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: CROWD,
        attempts: &[
            "attempt spin",
            "attempt allocate",
            "attempt recurse",
            "attempt huge-answer",
            "attempt log",
            "attempt send-many",
            "attempt blobs",
        ],
        run: crowd,
    },
    Trial {
        name: "a_crowd_of_one_connection_does_not_keep_another_waiting",
        attempts: &["attempt spin"],
        run: starvation,
    },
    Trial {
        name: "a_host_call_that_is_endless_work_lets_others_go_on",
        attempts: &["attempt send-many", "attempt list-state"],
        run: endless_host_calls,
    },
];

const CROWD: &str = "a_hundred_hostile_calls_at_once_stay_within_the_ceiling";

/// Set in the process that holds nothing but the crowd: beside other trials its memory could not be told from theirs.
const ALONE: &str = "STOCKADE_TRIAL_ALONE";

/// What all calls together may hold, in MiB.
const CEILING_MIB: u32 = 256;
/// Beside it: the engine, threads and their stacks, buffers of sockets, what the trace writes down.
const OWN_MIB: u64 = 64;

fn crowd(lab: &Lab) {
    let attempts = [
        ("spin", json!({})),
        ("allocate", json!({})),
        ("recurse", json!({})),
        ("huge-answer", json!({ "kib": 3_000 })),
        ("log", json!({ "times": 2_000, "message": "x".repeat(4_000) })),
        (
            "send-many",
            json!({ "times": 40, "parallel": 40, "request": { "path": ["free", "big", "900"] } }),
        ),
        ("blobs", json!({ "times": 100 })),
    ];
    for (name, _) in &attempts {
        lab.note(&format!("attempt {name}"));
    }
    if std::env::var_os(ALONE).is_some() {
        return crowd_alone(lab, &attempts);
    }
    let suffix = match lab.shared.isolation {
        Isolation::InProcess => "",
        Isolation::Process => "_in_a_process",
    };
    let trial = format!("{CROWD}{suffix}");
    let program = std::env::current_exe().unwrap();
    let alone = Command::new(program)
        .args(["--exact", &trial, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&alone.stdout) + String::from_utf8_lossy(&alone.stderr);
    assert!(alone.status.success(), "{told}");
    print(told.lines().find(|line| line.contains("host memory")).unwrap());
}

fn crowd_alone(lab: &Lab, attempts: &[(&str, Value)]) {
    let home = tempfile::tempdir().unwrap();
    let limits = HostLimits {
        total_memory_mib: CEILING_MIB,
        ..HostLimits::default()
    };
    let runtime = Runtime::builder()
        .home(Home::below(home.path()))
        .inspection(lab.shared.isolation)
        .limits(limits)
        .build()
        .unwrap();
    lab.wait(runtime.add_provider(&artifacts::component("hostile"), true))
        .unwrap();
    let server = Server::start();
    let setup = || {
        Setup::granted(&server).limits(|limits| {
            limits.memory_mib = 32;
            limits.host_data_mib = 4;
            limits.cpu_ms = 200;
            limits.requests_in_flight = 2;
            limits.response_body_mib = 1;
            limits.log_lines = 10;
        })
    };
    let connections: Vec<Service> = (0..10).map(|_| lab.connect_on(&runtime, &setup()).0).collect();
    for service in &connections {
        lab.works(service);
    }

    let before = resident_kib();
    let (watch, peak) = watch_memory();
    let threads = threads(4);
    let endings = threads.block_on(async {
        let calls: Vec<_> = (0..100)
            .map(|number| {
                let service = connections[number % 10].clone();
                let (name, arguments) = attempts[number % attempts.len()].clone();
                let command = command(name, arguments);
                tokio::spawn(async move { service.get_vm(&command).await.map(drop) })
            })
            .collect();
        let mut endings: Vec<Result<(), Error>> = Vec::new();
        for call in calls {
            endings.push(call.await.unwrap());
        }
        endings
    });
    watch.store(false, Ordering::Relaxed);
    let grown = peak.load(Ordering::Relaxed).saturating_sub(before) >> 10;
    print(&format!(
        "host memory: {} MiB before, {grown} MiB more at the peak, ceiling {CEILING_MIB} MiB",
        before >> 10
    ));
    assert!(grown <= u64::from(CEILING_MIB) + OWN_MIB, "{grown} MiB");
    let failed = endings.iter().filter(|ending| ending.is_err()).count();
    assert!(
        (1..100).contains(&failed),
        "some are stopped, some are harmless: {endings:?}"
    );
    for service in &connections {
        lab.works(service);
    }
}

fn threads(count: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build()
        .unwrap()
}

/// Memory of this process that is in use, in KiB (`VmRSS` of proc_pid_status(5)).
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Watches this process's memory until the flag is false; the most that it saw.
fn watch_memory() -> (Arc<AtomicBool>, Arc<AtomicU64>) {
    let (watch, peak) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let (goes_on, seen) = (Arc::clone(&watch), Arc::clone(&peak));
    std::thread::spawn(move || {
        while goes_on.load(Ordering::Relaxed) {
            seen.fetch_max(resident_kib(), Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    (watch, peak)
}

fn starvation(lab: &Lab) {
    let (crowded, _) = lab.connect(&Setup::nothing().limits(|limits| limits.concurrent_calls = 32));
    let (other, _) = lab.connect(&Setup::nothing());
    lab.note("attempt spin");
    threads(2).block_on(async {
        let spinning: Vec<_> = (0..32)
            .map(|_| {
                let service = crowded.clone();
                tokio::spawn(async move { service.get_vm(&command("spin", json!({}))).await.map(drop) })
            })
            .collect();
        let others = tokio::spawn(async move {
            for _ in 0..20 {
                greet(&other).await;
            }
        });
        others.await.unwrap();
        // Each of them may compute for 10 s, so none is at its end by itself.
        assert!(spinning.iter().all(|call| !call.is_finished()));
        for call in &spinning {
            call.abort();
        }
    });
    lab.works(&crowded);
}

fn endless_host_calls(lab: &Lab) {
    let (other, _) = lab.connect(&Setup::nothing());
    let (busy, _) = lab.connect(&Setup::nothing().state_kib(1).seconds(1));
    // Both are driven by one thread, so the other call can only end if the endless one lets it.
    let flood = json!({ "times": 20_000, "parallel": 8, "request": { "path": ["vms"] } });
    for (attempt, arguments) in [("send-many", flood), ("list-state", json!({}))] {
        lab.wait(async {
            let endless = lab.start(&busy, attempt, arguments);
            tokio::pin!(endless);
            tokio::select! {
                biased;
                answer = &mut endless => panic!("{attempt} ended before the others had a turn: {answer:?}"),
                () = greet(&other) => {}
            }
            let _ = endless.await;
        });
        lab.works(&busy);
    }
}

/// Tells what was measured.
#[expect(clippy::print_stdout, reason = "a measured figure is for whoever runs the suite")]
fn print(line: &str) {
    println!("{line}");
}
