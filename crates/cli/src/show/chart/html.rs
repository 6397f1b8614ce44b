//! A page with the drawing and the numbers; no script, nothing from elsewhere.

use super::{
    super::compare::{Column, rows},
    picture::Picture,
    svg::{self, escaped},
};

const STYLE: &str = "\
:root{color-scheme:light dark}
body{margin:2rem auto;max-width:60rem;padding:0 1rem;background:#f4f6f8;color:#1c2733;
font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans',sans-serif}
svg{max-width:100%;height:auto;display:block}
.wide{overflow-x:auto}
table{border-collapse:collapse;margin-top:1.5rem;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .9rem;text-align:right;border-bottom:1px solid #d9dfe5;white-space:nowrap}
th:first-child{text-align:left}
thead th{vertical-align:bottom;white-space:normal;overflow-wrap:anywhere}
.best{font-weight:600}
small{color:#5b6875}
@media (prefers-color-scheme:dark){body{background:#0c1116;color:#e6ebf0}th,td{border-color:#2a333d}small{color:#9aa7b4}}";

/// The page.
pub(super) fn write(picture: &Picture, columns: &[Column<'_>]) -> String {
    let heads: String =
        columns.iter().map(|column| format!("<th scope=\"col\">{}</th>", escaped(&column.name))).collect();
    let mut body = String::new();
    for row in rows(columns) {
        let cells: String = row
            .cells
            .iter()
            .map(|cell| {
                let class = if cell.is_smallest { " class=\"best\"" } else { "" };
                let ratio =
                    cell.ratio.as_ref().map(|ratio| format!(" <small>{ratio}</small>")).unwrap_or_default();
                format!("<td{class}>{}{ratio}</td>", cell.text)
            })
            .collect();
        body.push_str(&format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", row.name));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>Image sizes</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{}<div class=\"wide\"><table>\n<thead><tr><th></th>{heads}</tr></thead>\n\
         <tbody>\n{body}</tbody>\n</table></div>\n</body>\n</html>\n",
        svg::write(picture)
    )
}
