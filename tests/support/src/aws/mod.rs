//! Servers that speak AWS's protocols, and boto3, AWS's own SDK, as an observer that knows nothing of Stockade.
//!
//! | peer | what it is good for | what it does not do |
//! |---|---|---|
//! | ministack | verifies signatures, presigned URLs and policies of its users | some actions of EC2; states jump to their ends |
//! | moto | the breadth of EC2, states on their way, thousands of images and types | verifies nothing unless told |
//!
//! boto3 comes from the peer's own virtual environment and asks as the account's owner, so that it sees what is there
//! whatever the tested user may.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::SupportError;
use crate::peer::{Peer, Place};

/// moto, which takes much that AWS does not, behind a check of every request against AWS's own models.
const CHECKED_MOTO: &str = include_str!("checked_moto.py");
const OBSERVER: &str = include_str!("observer.py");
/// The account's owner, on both peers: id and secret key are this.
const OWNER: &str = "test";
/// Allows everything, as the policy of the user that tests are.
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

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
    /// A ministack that verifies the user's signatures.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn ministack() -> Result<Self, SupportError> {
        Self::start("ministack", |place| {
            let mut command = place.python("ministack");
            // Without the second it listens at every address of the machine.
            command
                .env("AUTH", "true")
                .env("BIND_HOST", "127.0.0.1")
                .env("GATEWAY_PORT", place.port.to_string());
            command
        })
    }

    /// A moto, which takes every signature. A request that AWS's own service models do not allow is answered with the code
    /// `ModelViolation`, so that whatever runs on it fails.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn moto() -> Result<Self, SupportError> {
        Self::start("moto", |place| {
            let mut command = place.python("python");
            command.args(["-c", CHECKED_MOTO, &place.port.to_string()]);
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

    /// A session in an account of this number, which has nothing in it yet but what AWS gives every account. For moto, which
    /// keeps accounts apart.
    ///
    /// # Errors
    /// What boto3 raised.
    pub fn account(&self, number: u32) -> Result<Session, SupportError> {
        let role = json!({"RoleArn": format!("arn:aws:iam::{number:012}:role/one"), "RoleSessionName": "one"});
        let answer = self.call("sts", "assume_role", &role)?;
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
        let keys = [&session.access_key, &session.secret_key, &session.session_token];
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
