//! The tags of a repository.

use super::link::next_page;
use super::open::no_image;
use super::remote::{Remote, Request, wait};
use super::repository::Repository;
use crate::error::StoreError;
use crate::name::{ImageName, is_tag};
use crate::network::Network;
use auth::Action;
use fetch::http::{Method, StatusCode, Url, header};
use oci::MAX_DOCUMENT;
use serde::Deserialize;

/// The most tags that are read.
const MAX_TAGS: usize = 100_000;
/// The most pages.
const MAX_PAGES: usize = 1000;
/// As many are asked for at a time.
const PAGE: usize = 1000;
/// As many are told in an error.
const SHOWN: usize = 20;

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

/// The tags of a repository, as the registry sorts them.
///
/// # Errors
/// When the registry cannot be asked, or there is no such repository.
pub fn tags(name: &ImageName, network: &Network) -> Result<Vec<String>, StoreError> {
    let place = format!("docker://{}", name.repository());
    let remote = wait(network, &place, Remote::new(network, Repository::of(name), &place, Action::Pull))?;
    match remote.wait(all_tags(&remote, None, MAX_PAGES))? {
        Some(tags) if tags.len() > MAX_TAGS => Err(remote.wrong(format!("more than {MAX_TAGS} tags"))),
        Some(tags) => Ok(tags),
        None => Err(no_image(&remote, name)),
    }
}

/// The tags of a repository that come after a text, as far as the most that are read; none, if there is no such repository.
/// Some registries give those before it, too.
pub(super) async fn tags_after(remote: &Remote, text: &str) -> Result<Vec<String>, StoreError> {
    Ok(all_tags(remote, Some(text), MAX_PAGES).await?.unwrap_or_default())
}

/// The first tags of a repository, for an error; that there are more is told as another.
pub(super) async fn some_tags(remote: &Remote) -> Result<Vec<String>, StoreError> {
    let mut tags = all_tags(remote, None, 1).await?.unwrap_or_default();
    // Those are lists of what refers to an image.
    tags.retain(|tag| !tag.starts_with("sha256-"));
    if tags.len() > SHOWN {
        let more = tags.len() - SHOWN;
        tags.truncate(SHOWN);
        tags.push(format!("and {more} or more others"));
    }
    Ok(tags)
}

/// The tags of some pages, or more than the most that are read; none, if there is no such repository.
async fn all_tags(
    remote: &Remote,
    after: Option<&str>,
    pages: usize,
) -> Result<Option<Vec<String>>, StoreError> {
    let mut tags = vec![];
    let mut url = remote.url(&format!("tags/list?n={PAGE}"))?;
    if let Some(after) = after {
        url.query_pairs_mut().append_pair("last", after);
    }
    for _ in 0..pages {
        let Some((list, next)) = page(remote, url).await? else { return Ok(None) };
        // Each is printed, and may be asked for.
        tags.extend(list.tags.unwrap_or_default().into_iter().filter(|tag| is_tag(tag)));
        if tags.len() > MAX_TAGS {
            break;
        }
        match next {
            Some(next) => url = next,
            None => break,
        }
    }
    Ok(Some(tags))
}

async fn page(remote: &Remote, url: Url) -> Result<Option<(List, Option<Url>)>, StoreError> {
    let reply = remote.send(&Request::new(Method::GET, url)).await?;
    match reply.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        _ => return Err(remote.refusal(reply, "the question for tags").await),
    }
    let next = next_page(reply.url(), reply.header(header::LINK.as_str()));
    let bytes = reply.read(MAX_DOCUMENT).await;
    let bytes = bytes.map_err(|source| StoreError::Unreachable {
        place: remote.place.clone(),
        source: Box::new(source),
    })?;
    let list = serde_json::from_slice(&bytes);
    let list = list.map_err(|error| remote.wrong(format!("tags that are none: {error}")))?;
    Ok(Some((list, next)))
}
