//! The pages of `docs/findings`, in the binary: a line for each code.

use plan::finding::Code;

/// The page of a code, in Markdown.
pub fn page(code: &Code) -> &'static str {
    PAGES.iter().find(|(id, _)| *id == code.id).map_or("", |(_, page)| page)
}

macro_rules! pages {
    ($($id:literal)+) => {
        const PAGES: &[(&str, &str)] = &[
            $(($id, include_str!(concat!("../../../docs/findings/", $id, ".md")))),+
        ];
    };
}

pages! {
    "B0101" "B0102" "B0103" "B0104" "B0105" "B0106" "B0107" "B0108" "B0109" "B0110" "B0111"
    "B0112" "B0113" "B0114" "B0115" "B0116" "B0117" "B0118"
    "B0201" "B0202"
    "B0301" "B0302" "B0303" "B0304" "B0305" "B0306" "B0307" "B0308" "B0309" "B0310" "B0311"
    "B0401" "B0402" "B0403" "B0404" "B0405" "B0406" "B0407" "B0408" "B0409" "B0410"
    "B0411" "B0412" "B0413" "B0414" "B0415" "B0416" "B0417"
    "B0501" "B0502" "B0503" "B0504" "B0505"
    "B0601"
    "B0701" "B0702" "B0703" "B0704" "B0705" "B0706" "B0707" "B0708"
    "B0709" "B0710" "B0711" "B0712" "B0713" "B0714"
}

#[cfg(test)]
mod tests {
    use super::PAGES;
    use plan::finding::CODES;

    #[test]
    fn every_code_has_its_page_in_the_binary() {
        let pages: Vec<&str> = PAGES.iter().map(|(id, _)| *id).collect();
        let codes: Vec<&str> = CODES.iter().map(|code| code.id).collect();
        assert_eq!(pages, codes, "list the page of every code, in order, in `pages!` of cli/src/pages.rs");
        assert!(PAGES.iter().all(|(id, page)| page.starts_with(&format!("# {id}: "))));
    }
}
