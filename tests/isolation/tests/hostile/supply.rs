//! Installed components: whoever changes one, its description, its pin or its signature stops it, and so does a policy that
//! no longer accepts it, also in a process that has it running. Nothing of what was swapped in is ever run.

use std::io::Cursor;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use minisign::KeyPair;
use stockade::trust::{NamePattern, PublicKey};
use stockade::{Error, Installation, InstalledProvider, Runtime};
use stockade_test_support::artifacts;

use crate::description::{describing, versioned};
use crate::lab::{Lab, Setup, Trial};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "an_installed_component_that_was_changed_is_refused",
        attempts: &[],
        run: changed_files,
    },
    Trial {
        name: "a_pin_that_was_changed_or_removed_stops_its_provider",
        attempts: &[],
        run: changed_pin,
    },
    Trial {
        name: "a_lock_file_admits_the_same_bytes_on_another_computer",
        attempts: &[],
        run: copied_lock,
    },
    Trial {
        name: "a_policy_refuses_what_no_key_for_it_signed",
        attempts: &[],
        run: refused_at_install,
    },
    Trial {
        name: "a_revoked_key_stops_what_is_running",
        attempts: &[],
        run: revoked,
    },
    Trial {
        name: "a_signature_that_was_taken_away_or_replaced_stops_its_provider",
        attempts: &[],
        run: changed_signature,
    },
    Trial {
        name: "an_older_signed_version_is_a_downgrade_that_somebody_must_want",
        attempts: &[],
        run: replayed,
    },
];

/// The provider's name.
const NAME: &str = "hostile";

/// Where a runtime keeps what a trial tampers with.
struct Places {
    component: PathBuf,
    description: PathBuf,
    signature: PathBuf,
    lock: PathBuf,
    trust: PathBuf,
}

impl Places {
    fn of(runtime: &Runtime) -> Self {
        let (home, digest) = (runtime.home(), runtime.provider(NAME).unwrap().digest);
        Self {
            component: home.data.join(format!("components/{digest}.wasm")),
            description: home.data.join(format!("providers/{NAME}.json")),
            signature: home.data.join(format!("components/{digest}.minisig")),
            lock: home.config.join("providers.lock"),
            trust: home.config.join("trust.toml"),
        }
    }
}

/// A key, and what it signs.
struct Author(KeyPair);

impl Author {
    fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    fn key(&self) -> PublicKey {
        self.0.pk.to_base64().parse().unwrap()
    }

    /// Signs a file; the signature lies beside it.
    fn sign(&self, file: &Path) {
        let bytes = std::fs::read(file).unwrap();
        let signed = minisign::sign(None, &self.0.sk, Cursor::new(bytes), None, None).unwrap();
        std::fs::write(signature_of(file), signed.into_string()).unwrap();
    }

    fn trusted_for(&self, runtime: &Runtime, name: &str, providers: &str) {
        let providers: Vec<NamePattern> = vec![providers.parse().unwrap()];
        runtime.trust().add(name, &self.key(), &providers).unwrap();
    }
}

fn signature_of(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.minisig", file.display()))
}

/// A copy of the hostile component, to be signed.
fn copy(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let file = directory.join(name);
    std::fs::write(&file, bytes).unwrap();
    file
}

fn honest() -> Vec<u8> {
    std::fs::read(artifacts::component(NAME)).unwrap()
}

fn add(lab: &Lab, runtime: &Runtime, file: &Path) -> Result<InstalledProvider, Error> {
    lab.wait(runtime.add_provider(file, false))
}

/// Whether a new process would use the connection; the error otherwise.
fn using(lab: &Lab, home: &Path, connection: &str) -> Result<(), String> {
    let runtime = lab.shared.open(home);
    lab.wait(runtime.connect(connection))
        .map(|service| lab.works(&service))
        .map_err(|error| told(&error))
}

fn told(error: &Error) -> String {
    format!("{error}; {}", error.hints().join("; "))
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Findings of `verify`, which has to agree with what use says.
fn findings(lab: &Lab, home: &Path) -> Vec<String> {
    let verified = lab.wait(lab.shared.open(home).verify_providers(None)).unwrap();
    verified.into_iter().filter_map(|one| one.finding).collect()
}

fn changed_files(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let runtime = lab.shared.installed(home.path());
    let connection = lab.connect_on(&runtime, &Setup::nothing()).0.connection().to_owned();
    let places = Places::of(&runtime);
    using(lab, home.path(), &connection).unwrap();
    assert!(findings(lab, home.path()).is_empty());

    let other = describing("calls");
    let (component, elsewhere) = (&places.component, home.path().join("elsewhere"));
    let swap = || std::fs::write(component, &other).unwrap();
    let link = |path: &Path| {
        std::fs::rename(path, &elsewhere).unwrap();
        symlink(&elsewhere, path).unwrap();
    };
    let widen = || {
        let text = std::fs::read_to_string(&places.description).unwrap();
        let widened = text.replacen("\"methods\": [", "\"methods\": [\n\"DELETE\",", 1);
        assert_ne!(text, widened);
        std::fs::write(&places.description, widened).unwrap();
    };
    let give_away = |path: &Path| {
        if rustix::process::geteuid().is_root() {
            chown(path, Some(12_345), None).unwrap();
        } else {
            // Only root can give files away.
            set_mode(path, 0o666);
        }
    };
    let tampering: [(&str, &dyn Fn(), &str); 10] = [
        ("it is another component", &swap, "was changed on disk"),
        (
            "it is gone",
            &|| std::fs::remove_file(component).unwrap(),
            "is missing on disk",
        ),
        ("it is a link", &|| link(component), "is a link"),
        (
            "it has a second name",
            &|| std::fs::hard_link(component, &elsewhere).unwrap(),
            "2 names",
        ),
        ("others can write it", &|| set_mode(component, 0o602), "chmod go-w"),
        (
            "it belongs to somebody else",
            &|| give_away(component),
            "cannot be trusted",
        ),
        (
            "others can write beside it",
            &|| set_mode(component.parent().unwrap(), 0o777),
            "chmod 700",
        ),
        ("its description asks for more", &widen, "its description"),
        ("its description is a link", &|| link(&places.description), "is a link"),
        (
            "others can write its description",
            &|| set_mode(&places.description, 0o622),
            "chmod go-w",
        ),
    ];
    for (what, tamper, expected) in tampering {
        tamper();
        let refused = using(lab, home.path(), &connection).expect_err(what);
        assert!(refused.contains(expected), "{what}: {refused}");
        let found = lab.wait(lab.shared.open(home.path()).verify_providers(None));
        assert!(
            found.is_err() || found.unwrap()[0].finding.is_some(),
            "{what}: verifying finds it too"
        );
        let _ = std::fs::remove_file(&elsewhere);
        for path in [component, &places.description] {
            let _ = std::fs::remove_file(path);
        }
        set_mode(component.parent().unwrap(), 0o700);
        lab.shared.installed(home.path());
        using(lab, home.path(), &connection).unwrap_or_else(|error| panic!("{what}: repaired: {error}"));
    }
}

fn changed_pin(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let runtime = lab.shared.installed(home.path());
    let (service, _) = lab.connect_on(&runtime, &Setup::nothing());
    let connection = service.connection();
    let lock = Places::of(&runtime).lock;
    let honest = std::fs::read_to_string(&lock).unwrap();
    let digest = runtime.provider(NAME).unwrap().digest;
    let other = "0".repeat(64);
    for (what, text, expected) in [
        ("removed", "version = 1\n".to_owned(), "has no entry for it"),
        (
            "another digest",
            honest.replace(&digest, &other),
            "provider add --replace",
        ),
        (
            "another version",
            honest.replace("version = \"", "version = \"9"),
            "its description",
        ),
        ("an unknown key", format!("{honest}trusted = true\n"), "is broken"),
    ] {
        std::fs::write(&lock, text).unwrap();
        for runtime in [&runtime, &lab.shared.open(home.path())] {
            let refused = lab.wait(runtime.connect(connection)).err().expect(what);
            assert!(told(&refused).contains(expected), "{what}: {}", told(&refused));
        }
        std::fs::write(&lock, &honest).unwrap();
        assert!(lab.wait(runtime.connect(connection)).is_ok(), "{what}: restored");
    }
    std::fs::remove_file(&lock).unwrap();
    assert!(
        using(lab, home.path(), connection)
            .unwrap_err()
            .contains("has no entry")
    );
    std::fs::write(&lock, &honest).unwrap();
    set_mode(&lock, 0o666);
    assert!(using(lab, home.path(), connection).unwrap_err().contains("chmod go-w"));
}

fn copied_lock(lab: &Lab) {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lock = Places::of(&lab.shared.installed(here.path())).lock;
    let runtime = lab.shared.open(there.path());
    std::fs::create_dir(there.path().join("config")).unwrap();
    set_mode(&there.path().join("config"), 0o700);
    std::fs::copy(&lock, there.path().join("config/providers.lock")).unwrap();

    let unknown = runtime.provider(NAME).unwrap_err();
    assert!(told(&unknown).contains("pins its version"), "{}", told(&unknown));
    let other = copy(there.path(), "other.wasm", &describing("calls"));
    let refused = add(lab, &runtime, &other).unwrap_err();
    assert!(told(&refused).contains("--replace"), "{}", told(&refused));
    assert!(runtime.provider(NAME).is_err(), "nothing was installed");
    add(lab, &runtime, &artifacts::component(NAME)).unwrap();
    assert_eq!(
        std::fs::read(&lock).unwrap(),
        std::fs::read(there.path().join("config/providers.lock")).unwrap()
    );

    let wanted = |digest: &str| Installation {
        file: artifacts::component(NAME),
        digest: Some(digest.to_owned()),
        ..Installation::default()
    };
    let digest = runtime.provider(NAME).unwrap().digest;
    assert!(
        lab.wait(runtime.review_provider(&wanted(&format!("sha256:{digest}"))))
            .is_ok()
    );
    for other in [format!("sha256:{}", "0".repeat(64)), digest] {
        assert!(lab.wait(runtime.review_provider(&wanted(&other))).is_err(), "{other}");
    }
}

fn refused_at_install(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let runtime = lab.shared.open(home.path());
    let (author, other, stranger) = (Author::new(), Author::new(), Author::new());
    author.trusted_for(&runtime, "author", "hostile*");
    other.trusted_for(&runtime, "other", "acme-*");
    let file = copy(home.path(), "component.wasm", &honest());
    let refused = |what: &str, expected: &str| {
        let error = add(lab, &runtime, &file).expect_err(what);
        assert!(told(&error).contains(expected), "{what}: {}", told(&error));
        assert!(runtime.provider(NAME).is_err(), "{what}: nothing was installed");
    };
    refused("unsigned", "it is not signed");
    stranger.sign(&file);
    refused("a stranger's", "which is not trusted");
    other.sign(&file);
    refused("for other providers", "may sign `acme-*`, but not `hostile`");
    author.sign(&file);
    std::fs::write(&file, describing("calls")).unwrap();
    refused("another component under a good signature", "is not good");
    std::fs::write(&file, honest()).unwrap();
    std::fs::write(signature_of(&file), "nonsense").unwrap();
    refused("no signature at all", "not a minisign signature");
    author.sign(&file);
    runtime.trust().revoke("author", "stolen").unwrap();
    refused("revoked", "was revoked: stolen");

    // The twin.
    runtime.trust().remove("author").unwrap();
    author.trusted_for(&runtime, "author", "hostile");
    let provider = add(lab, &runtime, &file).unwrap();
    assert_eq!(provider.signer.unwrap().key.as_deref(), Some("author"));
}

/// A runtime with the signed component, a connection that works, and who signed it.
fn signed(lab: &Lab, home: &Path) -> (Runtime, String, Author) {
    let (runtime, author) = (lab.shared.open(home), Author::new());
    author.trusted_for(&runtime, "author", NAME);
    let file = copy(home, "component.wasm", &honest());
    author.sign(&file);
    add(lab, &runtime, &file).unwrap();
    let (service, _) = lab.connect_on(&runtime, &Setup::nothing());
    lab.works(&service);
    (runtime, service.connection().to_owned(), author)
}

fn revoked(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let (runtime, connection, author) = signed(lab, home.path());
    let trust = Places::of(&runtime).trust;
    let honest = std::fs::read_to_string(&trust).unwrap();
    let check = |what: &str, expected: &str| {
        // The one that has it open, and a new one.
        for runtime in [&runtime, &lab.shared.open(home.path())] {
            let refused = lab.wait(runtime.connect(&connection)).err().expect(what);
            assert!(told(&refused).contains(expected), "{what}: {}", told(&refused));
        }
        assert!(findings(lab, home.path())[0].contains(expected), "{what}");
        assert!(
            runtime.provider(NAME).unwrap().refusal.unwrap().contains(expected),
            "{what}"
        );
        std::fs::write(&trust, &honest).unwrap();
        assert!(lab.wait(runtime.connect(&connection)).is_ok(), "{what}: restored");
        assert!(findings(lab, home.path()).is_empty(), "{what}: restored");
    };
    runtime.trust().revoke("author", "stolen").unwrap();
    check("revoked", "was revoked: stolen");
    runtime.trust().remove("author").unwrap();
    check("removed", "which is not trusted");
    std::fs::write(&trust, honest.replace("\"hostile\"", "\"acme\"")).unwrap();
    check("for other providers", "but not `hostile`");
    std::fs::remove_file(&trust).unwrap();
    check("no policy at all", "is pinned as signed");
    std::fs::write(&trust, format!("{honest}typo = 1\n")).unwrap();
    let refused = lab.wait(runtime.connect(&connection)).err().expect("a broken policy");
    assert!(told(&refused).contains("is broken"), "{}", told(&refused));
    // Another key with this one's id: it did not make the signature, which is verified anew.
    let impostor = impersonating(&author, &Author::new());
    std::fs::write(&trust, honest.replace(author.key().text(), impostor.text())).unwrap();
    for runtime in [&runtime, &lab.shared.open(home.path())] {
        let refused = lab.wait(runtime.connect(&connection)).err().expect("an impostor's key");
        assert!(told(&refused).contains("is not good"), "{}", told(&refused));
    }
    assert!(findings(lab, home.path())[0].contains("is not good"));
}

/// A key that carries the id of another.
fn impersonating(author: &Author, impostor: &Author) -> PublicKey {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let decode = |author: &Author| engine.decode(author.key().text()).unwrap();
    let mut key = decode(impostor);
    key[2..10].copy_from_slice(&decode(author)[2..10]);
    engine.encode(key).parse().unwrap()
}

fn changed_signature(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let (runtime, connection, _) = signed(lab, home.path());
    let places = Places::of(&runtime);
    let honest = std::fs::read(&places.signature).unwrap();
    let elsewhere = copy(home.path(), "elsewhere.wasm", b"something else");
    // Of the same key, but of something else.
    let other_author = Author::new();
    other_author.sign(&elsewhere);
    let others = std::fs::read(signature_of(&elsewhere)).unwrap();
    let mut flipped = honest.clone();
    let place = flipped.iter().position(|&byte| byte == b'\n').unwrap() + 40;
    flipped[place] = if flipped[place] == b'A' { b'B' } else { b'A' };
    for (what, bytes, expected) in [
        ("a changed one", Some(&flipped), "is not good"),
        ("another key's", Some(&others), "which is gone"),
        ("none", None, "which is gone"),
    ] {
        match bytes {
            Some(bytes) => std::fs::write(&places.signature, bytes).unwrap(),
            None => std::fs::remove_file(&places.signature).unwrap(),
        }
        for runtime in [&runtime, &lab.shared.open(home.path())] {
            let refused = lab.wait(runtime.connect(&connection)).err().expect(what);
            assert!(told(&refused).contains(expected), "{what}: {}", told(&refused));
        }
        std::fs::write(&places.signature, &honest).unwrap();
        set_mode(&places.signature, 0o600);
    }
    lab.works(&lab.wait(runtime.connect(&connection)).unwrap());

    // Adding the same bytes without their signature takes nothing away unless that is meant.
    let bare = copy(home.path(), "bare.wasm", &self::honest());
    std::fs::write(&places.trust, "unsigned = \"allow\"\n").unwrap();
    let refused = add(lab, &runtime, &bare).unwrap_err();
    assert!(told(&refused).contains("is pinned as signed"), "{}", told(&refused));
    lab.wait(runtime.add_provider(&bare, true)).unwrap();
    lab.works(&lab.wait(runtime.connect(&connection)).unwrap());
}

fn replayed(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let (runtime, connection, author) = signed(lab, home.path());
    let old = copy(home.path(), "old.wasm", &versioned("0.0.9"));
    author.sign(&old);
    let refused = add(lab, &runtime, &old).unwrap_err();
    assert!(told(&refused).contains("--replace"), "{}", told(&refused));
    let wanted = Installation {
        file: old,
        replace: true,
        ..Installation::default()
    };
    let candidate = lab.wait(runtime.review_provider(&wanted)).unwrap();
    let review = candidate.review();
    assert!(review.is_downgrade && review.needs_approval, "{review:?}");
    assert_eq!(review.new.version, "0.0.9");
    assert!(
        lab.wait(runtime.connect(&connection)).is_ok(),
        "a review installs nothing"
    );
    runtime.install_provider(candidate).unwrap();
    let service = lab.wait(runtime.connect(&connection)).unwrap();
    assert_eq!(
        service.installed().info.version,
        "0.0.9",
        "the open connection moved on"
    );
}
