//! Images upon a base, loaded and run by engines.

use crate::runtime::{Runtime, Work};
use crate::workshop::{Workshop, at_hand, ok};

const BASE: &str = r#"
name = "example.com/base"

[config]
env = { GREETING = "from the base" }

[runtime]
profile = "cc"

[[files]]
content = "words of the base\n"
to = "/etc/words"
"#;

/// Says what it finds: a variable and a file of the base, and its own name in the passwd that was added to.
const PROGRAM: &str = r#"
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
    char line[100] = "";
    FILE *words = fopen("/etc/words", "r");
    if (words) fgets(line, sizeof line, words);
    struct passwd *me = getpwuid(getuid());
    printf("%s, %s%s\n", getenv("GREETING"), line, me ? me->pw_name : "nobody");
    return 0;
}
"#;

const SHOP: &str = r#"
name = "example.com/upon"
base = "oci:base.oci:test"

[config]
entrypoint = ["/app/shop"]

[[files]]
from = "shop"
to = "/app/shop"
"#;

fn runs_upon_a_base(runtime: Runtime) {
    if !at_hand(runtime.peers()) || !at_hand(&["gcc"]) {
        return;
    }
    let workshop = Workshop::new();
    workshop.compile("shop", PROGRAM, &[]);
    workshop.image_of("base", BASE);
    let image = workshop.image_of("upon", SHOP);
    let said = runtime.run(&workshop, &image, &Work::default());
    assert_eq!(said.trim(), "from the base, words of the base\nnonroot");
    // The same layers upon a newer base.
    workshop.remove("base.lock");
    workshop.image_of(
        "newer",
        &BASE.replace("the base", "a newer one").replace("example.com/base", "example.com/newer"),
    );
    let archive = format!("oci-archive:{}:example.com/upon:test", image.archive.display());
    workshop.remove("upon.oci");
    let layout = format!("oci:{}:test", image.layout.display());
    let shop = workshop.path("copy.oci");
    ok(workshop.bantam().args(["build", "upon.toml", "-o", &format!("oci:{}:test", shop.display())]));
    let from = format!("oci:{}:test", shop.display());
    let printed = ok(workshop.bantam().args([
        "rebase",
        &from,
        "--onto",
        "oci:newer.oci:test",
        "-o",
        &archive,
        "-o",
        &layout,
    ]));
    let image = crate::workshop::Image { reference: printed.trim().to_owned(), ..image };
    let said = runtime.run(&workshop, &image, &Work::default());
    assert_eq!(said.trim(), "from a newer one, words of a newer one\nnonroot");
}

#[test]
fn docker_runs_an_image_upon_a_base() {
    runs_upon_a_base(Runtime::Docker);
}

#[test]
fn podman_runs_an_image_upon_a_base() {
    runs_upon_a_base(Runtime::Podman);
}
