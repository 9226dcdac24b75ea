//! Buckets: contents come back as they went, keys are whatever they are, lists have pages.

use std::collections::BTreeSet;

use stockade::blobs::Blob;
use stockade::contract::{Ability, PageRequest};
use stockade::limits::Room;

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found, refused};
use crate::subject::Subject;
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Buckets];
        a_bucket_lives_and_dies,
        an_object_comes_back_as_it_went,
        an_object_is_replaced_whole,
        odd_keys_are_kept_as_they_are,
        keys_are_listed_by_prefix_and_page,
        a_bucket_with_contents_is_deleted_only_on_demand,
        an_object_has_a_url_for_a_while,
        a_missing_bucket_or_object_is_not_found,
    ]
}

/// Vendors share one space of names among everybody.
fn bucket(subject: &Subject) -> String {
    format!("conf-{}-{}", subject.service.connection(), std::process::id())
        .chars()
        .take(60)
        .collect::<String>()
        .trim_end_matches('-')
        .to_owned()
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|index| {
            let [low, high, ..] = index.to_le_bytes();
            low ^ high.wrapping_mul(31)
        })
        .collect()
}

fn blob(bytes: &[u8]) -> Outcome<Blob> {
    use std::io::Write as _;
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    Ok(Blob::from_file(file))
}

async fn upload(subject: &Subject, bucket: &str, key: &str, bytes: &[u8]) -> Outcome {
    let content = blob(bytes)?;
    subject
        .service
        .upload_bucket_object(bucket, key, content, false)
        .await?;
    Ok(())
}

async fn download(subject: &Subject, bucket: &str, key: &str, most: usize) -> Outcome<Vec<u8>> {
    let into = Blob::scratch(Room::new(most as u64 + 1))?;
    subject
        .service
        .download_bucket_object(bucket, key, into.clone())
        .await?;
    Ok(into.read_at(0, most + 1).await?.to_vec())
}

async fn a_bucket_lives_and_dies(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let name = bucket(subject);
    subject.service.create_bucket(&name, false).await?;
    let names: Vec<_> = subject
        .service
        .list_buckets()
        .await?
        .into_iter()
        .map(|have| have.name)
        .collect();
    ensure!(names.contains(&name), "the list has {names:?}");
    refused(subject.service.create_bucket(&name, false).await, &["already-exists"])?;
    ensure!(
        subject.service.list_bucket_objects(&name, "").await?.is_empty(),
        "a new bucket is not empty"
    );
    subject.service.delete_bucket(&name, false).await?;
    before.check_unchanged(subject).await
}

async fn an_object_comes_back_as_it_went(subject: &Subject) -> Outcome {
    let name = bucket(subject);
    subject.service.create_bucket(&name, false).await?;
    for size in [0, 1, subject.given.object_bytes] {
        let bytes = content(size);
        upload(subject, &name, "content", &bytes).await?;
        let listed = subject.service.list_bucket_objects(&name, "").await?;
        let told = listed
            .first()
            .map(|object| u64::from(object.size.mib) << 20 | u64::from(object.size.rest));
        ensure!(
            listed.len() == 1 && told == Some(size as u64),
            "uploaded {size} bytes, listed {listed:?}"
        );
        let back = download(subject, &name, "content", size).await?;
        ensure!(
            back == bytes,
            "uploaded {size} bytes, and other {} came back",
            back.len()
        );
    }
    subject.service.delete_bucket_object(&name, "content").await?;
    subject.service.delete_bucket(&name, false).await?;
    Ok(())
}

async fn an_object_is_replaced_whole(subject: &Subject) -> Outcome {
    let name = bucket(subject);
    subject.service.create_bucket(&name, false).await?;
    upload(subject, &name, "content", &content(100_000)).await?;
    let first = subject.service.list_bucket_objects(&name, "").await?;
    upload(subject, &name, "content", b"shorter").await?;
    let back = download(subject, &name, "content", 100_000).await?;
    ensure!(
        back == b"shorter",
        "{} bytes are left of the old and new content",
        back.len()
    );
    let second = subject.service.list_bucket_objects(&name, "").await?;
    let etags = [&first, &second].map(|list| list.first().and_then(|object| object.etag.clone()));
    ensure!(
        etags[0] != etags[1] || etags[0].is_none(),
        "two contents with one etag: {etags:?}"
    );
    subject.service.delete_bucket(&name, true).await?;
    Ok(())
}

async fn odd_keys_are_kept_as_they_are(subject: &Subject) -> Outcome {
    let name = bucket(subject);
    subject.service.create_bucket(&name, false).await?;
    let keys = ["a b", "a+b", "a%20b", "ü/机", "x/y/z.txt", "a&b=c?d#e"];
    for key in keys {
        upload(subject, &name, key, key.as_bytes()).await?;
    }
    let listed: BTreeSet<_> = subject
        .service
        .list_bucket_objects(&name, "")
        .await?
        .into_iter()
        .map(|object| object.key)
        .collect();
    ensure!(
        listed == keys.map(str::to_owned).into(),
        "uploaded {keys:?}, listed {listed:?}"
    );
    for key in keys {
        let back = download(subject, &name, key, 100).await?;
        ensure!(back == key.as_bytes(), "`{key}` is another object's content");
        subject.service.delete_bucket_object(&name, key).await?;
    }
    subject.service.delete_bucket(&name, false).await?;
    Ok(())
}

async fn keys_are_listed_by_prefix_and_page(subject: &Subject) -> Outcome {
    let name = bucket(subject);
    subject.service.create_bucket(&name, false).await?;
    let keys: BTreeSet<String> = (0..7).map(|index| format!("logs/{index}")).collect();
    for key in keys.iter().map(String::as_str).chain(["other", "logs"]) {
        upload(subject, &name, key, b"x").await?;
    }
    let (mut seen, mut cursor, mut pages) = (BTreeSet::new(), None, 0);
    loop {
        let request = PageRequest { cursor, limit: Some(3) };
        let page = subject
            .service
            .list_bucket_objects_page(&name, "logs/", request)
            .await?;
        ensure!(page.items.len() <= 3, "{} objects on a page of 3", page.items.len());
        for object in page.items {
            ensure!(seen.insert(object.key.clone()), "`{}` is there twice", object.key);
        }
        pages += 1;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        ensure!(pages < 20, "the list does not end");
    }
    ensure!(seen == keys, "listed {seen:?}");
    ensure!(pages >= 3, "7 objects came on {pages} pages of 3");
    subject.service.delete_bucket(&name, true).await?;
    Ok(())
}

async fn a_bucket_with_contents_is_deleted_only_on_demand(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let name = bucket(subject);
    subject.service.create_bucket(&name, false).await?;
    upload(subject, &name, "kept", b"x").await?;
    refused(subject.service.delete_bucket(&name, false).await, &["conflict"])?;
    ensure!(download(subject, &name, "kept", 10).await? == b"x", "it is gone");
    subject.service.delete_bucket(&name, true).await?;
    before.check_unchanged(subject).await
}

async fn an_object_has_a_url_for_a_while(subject: &Subject) -> Outcome {
    let name = bucket(subject);
    subject.service.create_bucket(&name, false).await?;
    upload(subject, &name, "shared", b"for everybody with the url").await?;
    let answer = subject.service.presign_bucket_object(&name, "shared", 300).await;
    if let Some(url) = subject.unless_documented(answer)? {
        let body = super::plain_http::get(&url).await?;
        ensure!(
            body == b"for everybody with the url",
            "the url answers {:?}",
            String::from_utf8_lossy(&body)
        );
    }
    subject.service.delete_bucket(&name, true).await?;
    Ok(())
}

async fn a_missing_bucket_or_object_is_not_found(subject: &Subject) -> Outcome {
    let name = bucket(subject);
    let into = || Blob::scratch(Room::new(1 << 10));
    not_found(subject.service.delete_bucket(&name, false).await, &name)?;
    not_found(subject.service.list_bucket_objects(&name, "").await, &name)?;
    refused(
        subject
            .service
            .upload_bucket_object(&name, "a", blob(b"x")?, false)
            .await,
        &["not-found"],
    )?;
    subject.service.create_bucket(&name, false).await?;
    not_found(
        subject.service.download_bucket_object(&name, "absent", into()?).await,
        "absent",
    )?;
    not_found(subject.service.delete_bucket_object(&name, "absent").await, "absent")?;
    subject.service.delete_bucket(&name, false).await?;
    Ok(())
}
