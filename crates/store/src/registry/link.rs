//! Pages: what `Link` says of the next one ([RFC 8288]).
//!
//! [RFC 8288]: https://www.rfc-editor.org/rfc/rfc8288

use fetch::http::Url;

/// The next page, if there is one. It must be of the host that this page is of: another would get our credentials.
pub(crate) fn next_page(page: &Url, link: Option<&str>) -> Option<Url> {
    let next = link?.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| {
            let Some((name, value)) = parameter.trim().split_once('=') else { return false };
            name.trim().eq_ignore_ascii_case("rel")
                && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
        };
        parameters.split(';').any(is_next).then_some(target)
    })?;
    page.join(next).ok().filter(|next| next.origin() == page.origin() && next != page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page() {
        let page = Url::parse("https://example.com/v2/a/tags/list?n=2").unwrap();
        for (link, expected) in [
            (r#"</v2/a/tags/list?last=b&n=2>; rel="next""#, Some("/v2/a/tags/list?last=b&n=2")),
            (r#"<https://example.com/x?y=z>; Rel=next"#, Some("/x?y=z")),
            (r#"</first>; rel="first", </second>; title="x"; rel="next""#, Some("/second")),
            (r#"<https://evil.example.com/x>; rel="next""#, None),
            (r#"<http://example.com/x>; rel="next""#, None),
            (r#"</v2/a/tags/list?n=2>; rel="next""#, None),
            (r#"</x>; rel="prev""#, None),
            ("</x>", None),
            ("x", None),
            ("", None),
        ] {
            let expected = expected.map(|path| page.join(path).unwrap());
            assert_eq!(next_page(&page, Some(link)), expected, "{link}");
        }
        assert_eq!(next_page(&page, None), None);
    }
}
