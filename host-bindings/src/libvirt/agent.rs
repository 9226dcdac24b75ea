//! What the agent inside the guest can do (<https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainGetGuestInfo>,
//! <https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html>).
//!
//! Commands in guests run only on connections that allow them: whoever may run one owns the guest.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use virt::connect::Connect;

use crate::contract::{Error, ErrorKind, GuestCommand, GuestCommandResult, GuestFilesystem, GuestInfo, Subject};

use super::error::{Doing as _, Fault};
use super::ffi::{self, GuestFact};
use super::handle::VmHandle;
use super::library;
use super::names::printable;
use super::volumes::MIB;

/// How long the agent may take to answer one question.
const ANSWER_SECONDS: i32 = 10;
/// Between two looks at a command that runs.
const PAUSE: Duration = Duration::from_millis(100);
/// What is kept of each output of a command.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// Asks the guest about itself.
pub(super) fn info(connect: &Connect, vm: &str) -> Result<GuestInfo, Fault> {
    let vm = find_running(connect, vm)?;
    require("virDomainGetGuestInfo", "get-guest-info", "5.7")?;
    let facts = ffi::guest_facts(&vm.domain).doing("ask the guest of", "vm", &vm.name);
    Ok(to_info(&facts.map_err(|fault| explain(&vm, fault))?))
}

/// libvirt's names of facts: <https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainGetGuestInfo>.
fn to_info(facts: &[(String, GuestFact)]) -> GuestInfo {
    let text = |name: &str| {
        facts.iter().find_map(|(known, fact)| match fact {
            GuestFact::Text(text) if known == name => Some(text.clone()),
            _ => None,
        })
    };
    let number = |name: &str| {
        facts.iter().find_map(|(known, fact)| match fact {
            GuestFact::Number(number) if known == name => Some(*number),
            _ => None,
        })
    };
    let mib = |name: &str| number(name).and_then(|bytes| u32::try_from(bytes / MIB).ok());
    let count = |name: &str| number(name).unwrap_or_default();
    GuestInfo {
        hostname: text("hostname"),
        os_name: text("os.pretty-name").or_else(|| text("os.name")),
        kernel: text("os.kernel-release"),
        agent_version: None,
        users: (0..count("user.count"))
            .filter_map(|index| text(&format!("user.{index}.name")))
            .collect(),
        filesystems: (0..count("fs.count"))
            .filter_map(|index| {
                Some(GuestFilesystem {
                    mount_point: text(&format!("fs.{index}.mountpoint"))?,
                    r#type: text(&format!("fs.{index}.fstype")).unwrap_or_default(),
                    total_mib: mib(&format!("fs.{index}.total-bytes")),
                    used_mib: mib(&format!("fs.{index}.used-bytes")),
                })
            })
            .collect(),
    }
}

/// Runs a command and waits for its end.
pub(super) fn run_command(
    connect: &Connect,
    vm: &str,
    command: &GuestCommand,
    allowed: bool,
) -> Result<GuestCommandResult, Fault> {
    let vm = find_running(connect, vm)?;
    if !allowed {
        let message = "commands in guests are not allowed on this connection: its operator can set the connection's option \
                       `allow_guest_commands`";
        return Err(Error::new(ErrorKind::Denied, message).into());
    }
    if !command.path.starts_with('/') {
        let message = format!(
            "`{}` is not an absolute path: there is no shell that would look for it",
            printable(&command.path)
        );
        return Err(Error::invalid_argument("path", message).into());
    }
    let started = ask(
        &vm,
        "guest-exec",
        &json!({
            "path": command.path,
            "arg": command.arguments,
            "input-data": BASE64.encode(&command.stdin),
            "capture-output": true,
        }),
    )?;
    let pid = started
        .get("pid")
        .and_then(Value::as_i64)
        .ok_or_else(|| unexpected(&vm, "guest-exec"))?;
    let deadline = Instant::now() + Duration::from_secs(command.timeout_seconds.into());
    loop {
        let status = ask(&vm, "guest-exec-status", &json!({ "pid": pid }))?;
        if status.get("exited").and_then(Value::as_bool) == Some(true) {
            return Ok(to_result(&status));
        }
        if Instant::now() >= deadline {
            let message = format!(
                "`{}` in the guest of vm `{}` still runs after {} s, and goes on",
                printable(&command.path),
                vm.name,
                command.timeout_seconds
            );
            return Err(Error::new(ErrorKind::TimedOut, message).into());
        }
        std::thread::sleep(PAUSE);
    }
}

fn to_result(status: &Value) -> GuestCommandResult {
    let output = |name: &str| {
        let text = status.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut bytes = BASE64.decode(text).unwrap_or_default();
        bytes.truncate(OUTPUT_BYTES_MAX);
        bytes
    };
    GuestCommandResult {
        exit_code: status
            .get("exitcode")
            .and_then(Value::as_i64)
            .and_then(|code| i32::try_from(code).ok()),
        stdout: output("out-data"),
        stderr: output("err-data"),
    }
}

/// Sets a user's password. It is in no message: libvirt names only the command.
pub(super) fn set_password(connect: &Connect, vm: &str, user: &str, password: &str) -> Result<(), Fault> {
    let vm = find_running(connect, vm)?;
    check_user(user)?;
    if password.is_empty() || password.contains(['\0', '\n', '\r']) {
        return Err(Error::invalid_argument("password", "a password is one line, and not an empty one").into());
    }
    let set = vm.domain.set_user_password(user, password, 0);
    set.doing("set a password in the guest of", "vm", &vm.name)
        .map(drop)
        .map_err(|fault| explain_user(&vm, user, fault))
}

/// Replaces a user's authorized keys.
pub(super) fn set_ssh_keys(connect: &Connect, vm: &str, user: &str, keys: &[String]) -> Result<(), Fault> {
    let vm = find_running(connect, vm)?;
    check_user(user)?;
    for key in keys {
        if key.trim().is_empty() || key.trim().chars().any(char::is_control) {
            return Err(
                Error::invalid_argument("keys", "an ssh key is one line in OpenSSH's public key format").into(),
            );
        }
    }
    require("virDomainAuthorizedSSHKeysSet", "set-guest-ssh-keys", "6.10")?;
    let keys: Vec<&str> = keys.iter().map(|key| key.trim()).collect();
    ffi::set_authorized_keys(&vm.domain, user, &keys)
        .doing("set ssh keys in the guest of", "vm", &vm.name)
        .map_err(|fault| explain_user(&vm, user, fault))
}

/// Holds all writes.
pub(super) fn freeze(connect: &Connect, vm: &str) -> Result<u32, Fault> {
    let vm = find_running(connect, vm)?;
    ffi::freeze(&vm.domain)
        .doing("freeze", "vm", &vm.name)
        .map_err(|mut fault| {
            // qemu-ga allows nothing but thawing meanwhile, and says why (qga/main.c, `ga_command_is_enabled`).
            if fault.error.message.contains("frozen") {
                fault.error.kind = ErrorKind::Conflict;
                return fault.and("it is frozen already: thaw it first");
            }
            explain(&vm, fault)
        })
}

/// Lets writes continue.
pub(super) fn thaw(connect: &Connect, vm: &str) -> Result<u32, Fault> {
    let vm = find_running(connect, vm)?;
    ffi::thaw(&vm.domain)
        .doing("thaw", "vm", &vm.name)
        .map_err(|fault| explain(&vm, fault))
}

fn find_running(connect: &Connect, vm: &str) -> Result<VmHandle, Fault> {
    let vm = VmHandle::find(connect, vm)?;
    if vm.is_active() {
        Ok(vm)
    } else {
        Err(vm.stopped("asked"))
    }
}

/// The names that Linux and Windows allow without quoting; the agent hands the name to a program.
fn check_user(user: &str) -> Result<(), Error> {
    let is_name = !user.is_empty()
        && !user.starts_with('-')
        && user.len() <= 256
        && !user
            .chars()
            .any(|character| character.is_control() || matches!(character, ':' | '/'));
    if is_name {
        return Ok(());
    }
    Err(Error::invalid_argument(
        "user",
        format!("`{}` cannot be a user's name", printable(user)),
    ))
}

/// Asks the agent, and takes its answer apart.
fn ask(vm: &VmHandle, command: &str, arguments: &Value) -> Result<Value, Fault> {
    require(
        "virDomainQemuAgentCommand",
        "run-guest-command",
        "0.9.14 with libvirt-qemu.so.0",
    )?;
    let question = json!({ "execute": command, "arguments": arguments }).to_string();
    let answer = ffi::agent_command(&vm.domain, &question, ANSWER_SECONDS)
        .doing("run a command in the guest of", "vm", &vm.name)
        .map_err(|fault| explain(vm, fault))?;
    serde_json::from_str::<Value>(&answer)
        .ok()
        .and_then(|answer| answer.get("return").cloned())
        .ok_or_else(|| unexpected(vm, command))
}

fn unexpected(vm: &VmHandle, command: &str) -> Fault {
    let message = format!(
        "the agent in vm `{}` answered `{command}` in a way that is not understood",
        vm.name
    );
    Error::new(
        ErrorKind::Upstream(crate::contract::UpstreamFault {
            status: None,
            code: None,
        }),
        message,
    )
    .into()
}

/// A function that only newer libvirts have.
fn require(symbol: &str, function: &str, since: &str) -> Result<(), Error> {
    if library::has(symbol) {
        return Ok(());
    }
    let message = format!("the installed libvirt client library has no `{symbol}`, which came with libvirt {since}");
    Err(Error::new(ErrorKind::Unsupported(function.to_owned()), message))
}

/// Says what is wrong with the agent (its errors: virerror.h, VIR_ERR_AGENT_*; qga/commands.c).
fn explain(vm: &VmHandle, mut fault: Fault) -> Fault {
    let message = &fault.error.message;
    if message.contains("agent is not") || message.contains("agent is disconnected") {
        fault.error.kind = ErrorKind::Unavailable;
        return fault.and(&format!(
            "install `qemu-guest-agent` in the guest of vm `{}` and start it, or wait until the guest has booted",
            vm.name
        ));
    }
    if message.contains("has been disabled") {
        fault.error.kind = ErrorKind::Denied;
        return fault.and("the agent's own configuration in the guest forbids it");
    }
    fault
}

/// The same when a user may be what is missing (`get_passwd_entry` in qga/commands-posix-ssh.c).
fn explain_user(vm: &VmHandle, user: &str, mut fault: Fault) -> Fault {
    if fault.error.message.contains("failed to lookup user") {
        fault.error.kind = ErrorKind::NotFound(Subject {
            noun: "user".to_owned(),
            name: user.to_owned(),
        });
        return fault;
    }
    // The agent runs the guest's own program for it (`qmp_guest_set_user_password` in qga/commands-linux.c).
    if fault.error.message.contains("program in PATH") {
        fault.error.kind = ErrorKind::Unsupported("set-guest-password".to_owned());
        return fault.and("install the package with that program in the guest");
    }
    explain(vm, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libvirts_facts_become_the_guests_description() {
        let text = |name: &str, value: &str| (name.to_owned(), GuestFact::Text(value.to_owned()));
        let number = |name: &str, value: u64| (name.to_owned(), GuestFact::Number(value));
        let info = to_info(&[
            text("hostname", "tiny"),
            text("os.name", "Debian"),
            text("os.kernel-release", "6.1.0"),
            number("user.count", 1),
            text("user.0.name", "root"),
            number("fs.count", 2),
            text("fs.0.mountpoint", "/"),
            text("fs.0.fstype", "ext4"),
            number("fs.0.total-bytes", 3 * MIB + 1),
            text("fs.1.mountpoint", "/data"),
        ]);
        assert_eq!(
            (info.hostname.as_deref(), info.os_name.as_deref()),
            (Some("tiny"), Some("Debian"))
        );
        assert_eq!(info.users, ["root"]);
        assert_eq!((info.filesystems.len(), info.filesystems[0].total_mib), (2, Some(3)));
        assert_eq!(info.filesystems[1].total_mib, None);
        assert_eq!(to_info(&[]).filesystems.len(), 0);
    }

    #[test]
    fn a_commands_end_is_read_with_its_output() {
        let status = json!({ "exited": true, "exitcode": 3, "out-data": BASE64.encode("out"), "err-data": "%" });
        let result = to_result(&status);
        assert_eq!(
            (result.exit_code, &*result.stdout, &*result.stderr),
            (Some(3), &b"out"[..], &b""[..])
        );
        assert_eq!(to_result(&json!({ "exited": true, "signal": 9 })).exit_code, None);
    }

    #[test]
    fn names_that_a_program_would_misread_are_no_users() {
        for bad in ["", "-x", "a:b", "a\nb", "a\0b", "../etc", &"x".repeat(257)] {
            assert!(check_user(bad).is_err(), "{bad:?}");
        }
        check_user("Jana Nováková").unwrap();
    }
}
