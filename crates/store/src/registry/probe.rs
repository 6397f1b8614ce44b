//! Whether a repository would take an image, found out without writing.

use super::remote::{Remote, Request};
use crate::error::StoreError;
use fetch::http::{Method, StatusCode};

impl Remote {
    /// Finds out whether the registry is there and lets in who asks. The question for a manifest has the registry's
    /// token server, or itself, look at the credentials; whether there is such a manifest does not matter.
    pub async fn probe(&self, tag: &str) -> Result<(), StoreError> {
        let reply = self.send(&Request::new(Method::GET, self.root().clone())).await?;
        match reply.status() {
            StatusCode::OK => {}
            // Some let nobody see that they are a registry, and ask here for what they do not ask for elsewhere.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {}
            _ => return Err(self.refusal(reply, "the question whether it is a registry").await),
        }
        self.digest_of(tag).await.map(drop)
    }
}
