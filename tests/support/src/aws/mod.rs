//! Servers that speak AWS's protocols, and boto3, AWS's own SDK, as an observer that knows nothing of Stockade.
//!
//! | peer | what it is good for | what it does not do |
//! |---|---|---|
//! | ministack | verifies signatures, presigned URLs and policies of its users | some actions of EC2; states jump to their ends |
//! | moto | the breadth of EC2, states on their way, thousands of images and types | verifies nothing unless told |
//!
//! boto3 comes from the peer's own virtual environment and asks as the account's owner, so that it sees what is there
//! whatever the tested user may.

pub mod excuses;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::SupportError;
use crate::artifacts::workspace_root;
use crate::peer::{Peer, Place};
use crate::script;

/// Where the programs of this module are.
const HERE: &str = "tests/support/src/aws";
const OBSERVER: &str = include_str!("observer.py");
/// The account's owner, on both peers: id and secret key are this.
const OWNER: &str = "test";
/// Allows everything, as the policy of the user that tests are.
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Lets everybody of the account take a role.
const ANYBODY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// The region that the peers are in.
pub const REGION: &str = "us-east-1";

/// A running peer with one user, who may do everything.
pub struct AwsPeer {
    observer: Observer,
    peer: Peer,
    access_key: String,
    secret_key: String,
}

impl AwsPeer {
    /// A ministack that verifies the user's signatures. Requests and answers are checked as moto's are.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn ministack() -> Result<Self, SupportError> {
        Self::start("ministack", |place| {
            let mut command = place.python("python");
            command.arg(workspace_root().join(HERE).join("checked_ministack.py"));
            // Without the second it listens at every address of the machine.
            command
                .env("AUTH", "true")
                .env("BIND_HOST", "127.0.0.1")
                .env("GATEWAY_PORT", place.port.to_string())
                .env("PYTHONDONTWRITEBYTECODE", "1");
            command
        })
    }

    /// A moto, which takes every signature, and imports disks by the tests' own `disk_import.py`. A request that AWS's own
    /// service models do not allow is answered with the code `ModelViolation`, and so is one whose answer they do not know,
    /// so that whatever runs on it fails.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn moto() -> Result<Self, SupportError> {
        Self::start("moto", |place| {
            let mut command = place.python("python");
            command
                .arg(workspace_root().join(HERE).join("checked_moto.py"))
                .arg(place.port.to_string())
                .env("PYTHONDONTWRITEBYTECODE", "1");
            command
        })
    }

    /// A server that answers every action with everything that AWS's own service models know: each element once, each list
    /// with one entry. It keeps nothing.
    ///
    /// # Errors
    /// When moto, whose botocore has the models, cannot be installed or the server does not start.
    pub fn full_answers() -> Result<Self, SupportError> {
        Self::start("moto", |place| {
            let mut command = place.python("python");
            command
                .arg(workspace_root().join(HERE).join("full_answers.py"))
                .arg(place.port.to_string())
                .env("PYTHONDONTWRITEBYTECODE", "1");
            command
        })
    }

    fn start(name: &str, command: impl Fn(&Place<'_>) -> Command) -> Result<Self, SupportError> {
        let peer = Peer::start(name, command)?;
        let observer = Observer::start(name, &peer)?;
        let user = json!({"UserName": "one"});
        observer.call("iam", "create_user", &user)?;
        let policy = json!({"UserName": "one", "PolicyName": "all", "PolicyDocument": ALL});
        observer.call("iam", "put_user_policy", &policy)?;
        let answer = observer.call("iam", "create_access_key", &user)?;
        let text = |name: &str| answer["AccessKey"][name].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            access_key: text("AccessKeyId"),
            secret_key: text("SecretAccessKey"),
            observer,
            peer,
        })
    }

    /// The server itself.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The id of the user's access key.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The user's secret key.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// What boto3 answers: `call("ec2", "describe_vpcs", &json!({}))`. Bytes come as text, times as RFC 3339.
    ///
    /// # Errors
    /// What boto3 raised, with the server's error code in it.
    pub fn call(&self, service: &str, operation: &str, parameters: &Value) -> Result<Value, SupportError> {
        self.observer.call(service, operation, parameters)
    }

    /// A session in an account of this number, which has nothing in it yet but what AWS gives every account and a role that
    /// may do everything.
    ///
    /// # Errors
    /// What boto3 raised.
    pub fn account(&self, number: u32) -> Result<Session, SupportError> {
        let account = format!("{number:012}");
        // ministack takes an account's number for the key of its owner. moto takes any key for that of its first account, and
        // gives sessions in others whether the role is there or not.
        let owner = Session {
            access_key: account.clone(),
            secret_key: OWNER.to_owned(),
            session_token: String::new(),
        };
        let name = format!("role-{number}");
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": ANYBODY});
        self.call_as(&owner, "iam", "create_role", &role)?;
        let policy = json!({"RoleName": name, "PolicyName": "all", "PolicyDocument": ALL});
        self.call_as(&owner, "iam", "put_role_policy", &policy)?;
        let role = json!({"RoleArn": format!("arn:aws:iam::{account}:role/{name}"), "RoleSessionName": name});
        let answer = self.call_as(&owner, "sts", "assume_role", &role)?;
        let text = |name: &str| answer["Credentials"][name].as_str().unwrap_or_default().to_owned();
        Ok(Session {
            access_key: text("AccessKeyId"),
            secret_key: text("SecretAccessKey"),
            session_token: text("SessionToken"),
        })
    }

    /// As [`AwsPeer::call`], in a session.
    ///
    /// # Errors
    /// What boto3 raised, with the server's error code in it.
    pub fn call_as(
        &self,
        session: &Session,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, SupportError> {
        let token = Some(&session.session_token).filter(|token| !token.is_empty());
        let keys = [Some(&session.access_key), Some(&session.secret_key), token];
        self.observer
            .ask(&json!({"call_as": [keys, service, operation, parameters]}))
    }

    /// Everything that boto3 sees in the account, one line each: `vm web-1`, `bucket b`.
    ///
    /// # Errors
    /// What boto3 raised.
    pub fn observe(&self) -> Result<Vec<String>, SupportError> {
        let lines = self.observer.ask(&json!({"observe": null}))?;
        let lines = lines.as_array().into_iter().flatten();
        Ok(lines.filter_map(|line| line.as_str().map(str::to_owned)).collect())
    }

    /// Has boto3 delete whatever is not among these lines of an earlier look, as far as it can be deleted.
    ///
    /// # Errors
    /// When boto3 has ended.
    pub fn delete_others(&self, lines: &[String]) -> Result<(), SupportError> {
        self.observer.ask(&json!({"delete_others": lines})).map(drop)
    }
}

/// What AWS's own service models say against these things, which moto's botocore ships: elements of answers that somebody
/// reads, as `tests/fixtures/aws/reads.json` lists them, and the parameters by which repetitions are recognised.
///
/// # Errors
/// When moto cannot be installed, or the program fails.
pub fn models(reads: &std::path::Path) -> Result<Vec<String>, SupportError> {
    let installation = Peer::install("moto")?;
    let mut command = Command::new(installation.join("bin/python"));
    command
        .arg(workspace_root().join(HERE).join("models.py"))
        .arg(reads)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let complaints = script::output("ask AWS's models", &mut command)?;
    Ok(complaints.lines().map(str::to_owned).collect())
}

/// What AWS's own service models, which moto's botocore ships, say against an answer.
///
/// # Errors
/// When moto cannot be installed, or the program fails.
pub fn judge_answer(service: &str, operation: &str, answer: &str) -> Result<Vec<String>, SupportError> {
    let installation = Peer::install("moto")?;
    let mut command = Command::new(installation.join("bin/python"));
    command
        .arg(workspace_root().join(HERE).join("answers.py"))
        .args([service, operation, answer])
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let complaints = script::output("ask AWS's models", &mut command)?;
    Ok(complaints.lines().map(str::to_owned).collect())
}

/// Temporary keys.
#[derive(Clone, Debug)]
pub struct Session {
    /// The id of the access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
    /// The session token that goes with it.
    pub session_token: String,
}

/// A boto3 that answers questions line by line. It ends with its value.
struct Observer {
    process: Child,
    conversation: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Observer {
    fn start(name: &str, peer: &Peer) -> Result<Self, SupportError> {
        let cannot = |error: &dyn std::fmt::Display| SupportError::new(format!("start boto3 beside {name}"), error);
        let mut process = Command::new(Peer::installation(name).join("bin/python"))
            .args(["-c", OBSERVER, &peer.origin(), REGION, OWNER])
            .env("HOME", peer.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| cannot(&error))?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok(Self {
                process,
                conversation: Mutex::new((stdin, BufReader::new(stdout))),
            }),
            _ => Err(cannot(&"it has no standard input and output")),
        }
    }

    fn call(&self, service: &str, operation: &str, parameters: &Value) -> Result<Value, SupportError> {
        self.ask(&json!({"call": [service, operation, parameters]}))
    }

    fn ask(&self, question: &Value) -> Result<Value, SupportError> {
        let cannot = |error: String| SupportError::new(format!("have boto3 do {question}"), error);
        let mut conversation = self.conversation.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdin, stdout) = &mut *conversation;
        let mut line = String::new();
        writeln!(stdin, "{question}")
            .and_then(|()| stdout.read_line(&mut line))
            .map_err(|error| cannot(error.to_string()))?;
        drop(conversation);
        let mut answer: Value = serde_json::from_str(&line).map_err(|error| cannot(error.to_string()))?;
        match answer["error"].as_str() {
            Some(error) => Err(cannot(error.to_owned())),
            None => Ok(answer["answer"].take()),
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
