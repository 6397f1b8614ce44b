#![allow(clippy::unwrap_used, reason = "a test may fail")]

use super::{
    super::compare::{columns, tests::image},
    *,
};

fn images() -> Vec<Compared> {
    let mut small = image("oci:a", Some("shop:1"), &[(Some(4_000_000), 10_000_000)]);
    small.kinds = [(Kind::Programs, 7_000_000), (Kind::Data, 3_000_000)].into();
    let hostile = "<script>alert(1)&\"'\u{ffff}";
    let large = image(hostile, None, &[(None, 20_000_000), (None, 3_800_000)]);
    vec![small, large]
}

fn text(by: By, format: Format) -> String {
    let images = images();
    String::from_utf8(draw(&columns(&images), by, format)).unwrap()
}

#[test]
fn names_of_others_are_text() {
    for format in [Format::Svg, Format::Html] {
        let text = text(By::Kind, format);
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("&lt;script&gt;alert(1)&amp;&quot;&#39;\u{fffd}"), "{text}");
    }
}

#[test]
fn bars_are_as_long_as_images_are_large() {
    let svg = text(By::Kind, Format::Svg);
    // The whole width is 674 pixels for 23.8 MB.
    for rect in [
        "<rect class=\"c0\" x=\"28\" y=\"138\" width=\"198\" height=\"24\"><title>programs: 7.0 MB</title></rect>",
        "<rect class=\"c3\" x=\"226\" y=\"138\" width=\"85\" height=\"24\"><title>data: 3.0 MB</title></rect>",
        "<rect class=\"compressed\" x=\"28\" y=\"166\" width=\"113\" height=\"5\"><title>compressed: 4.0 MB</title></rect>",
        "<rect class=\"c1\" x=\"28\" y=\"214\" width=\"674\" height=\"24\"><title>libraries: 23.8 MB</title></rect>",
    ] {
        assert!(svg.contains(rect), "no {rect} in\n{svg}");
    }
    for words in [
        ">10.0 MB<",
        ">×2.38<",
        ">linux/amd64 · unpacked, by what files are for · thin bars: compressed<",
        ">20 MB<",
    ] {
        assert!(svg.contains(words), "no {words} in\n{svg}");
    }
    assert!(!svg.contains(">25 MB<"), "{svg}");
    let layers = text(By::Layer, Format::Svg);
    for tip in ["layer 1: test: 10.0 MB", "layer 1: test: 20.0 MB", "layer 2: test: 3.8 MB"] {
        assert!(layers.contains(tip), "no {tip} in\n{layers}");
    }
}

#[test]
fn pixels_show_the_same() {
    let images = images();
    let columns = columns(&images);
    let bytes = draw(&columns, By::Kind, Format::Png);
    assert_eq!(bytes, draw(&columns, By::Kind, Format::Png));
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (1760, 2 * 310));
    let at = |x: usize, y: usize| &pixels[3 * (y * 1760 + x)..][..3];
    // Twice the place of the drawing.
    assert_eq!(at(2 * 30, 2 * 150), [0x2b, 0x5c, 0x8f]);
    assert_eq!(at(2 * 300, 2 * 150), [0x8a, 0x74, 0xb8]);
    assert_eq!(at(2 * 600, 2 * 220), [0x6e, 0xa3, 0xd0]);
    assert_eq!(at(0, 0), [255, 255, 255]);
    // Letters were drawn.
    let dark = |y: usize| (56..300).any(|x| at(x, y)[0] < 0x40);
    assert!((60..90).any(dark));
}

#[test]
fn formats_by_name() {
    for (name, want) in [
        ("a.svg", Some(Format::Svg)),
        ("x/A.PNG", Some(Format::Png)),
        ("a.html", Some(Format::Html)),
        ("a.pdf", None),
        ("svg", None),
    ] {
        assert_eq!(Format::of(name.as_ref()), want, "{name}");
    }
}
