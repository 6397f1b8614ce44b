//! Variables that lead to files, and who looks at them.

/// A variable of the environment that leads to files.
pub(super) struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What it is for.
    pub what: &'static str,
    /// The Debian packages that have what it usually leads to.
    pub packages: &'static [&'static str],
}

/// What the value of a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A directory of the process's own.
    Own,
    /// A file or a directory.
    Either,
    /// A directory that has this program.
    With(&'static str),
    /// Files and directories, apart by colons; an empty one is the working directory, or nothing.
    List,
    /// Directories of which one should be there, apart by colons.
    Search,
    /// Directories for the loader, apart by colons or semicolons.
    Libraries,
    /// Libraries for the loader, apart by colons or spaces.
    Preload,
    /// A time zone.
    Zone,
    /// A locale of the C library.
    Locale,
}

use Kind::{Directory, Either, File, Libraries, List, Locale, Own, Preload, Search, With, Zone};

const CERTIFICATES: &[&str] = &["ca-certificates"];

#[rustfmt::skip]
const VARIABLES: &[Variable] = &[
    // Every process: environ(7), ld.so(8), tzset(3), locale(7).
    row("PATH", Search, "where programs are looked for", &[]),
    row("HOME", Own, "the user's home", &[]),
    row("TMPDIR", Own, "where temporary files go", &[]),
    row("LD_LIBRARY_PATH", Libraries, "where the loader looks for libraries", &[]),
    row("LD_PRELOAD", Preload, "libraries that the loader puts before all others", &[]),
    row("LD_AUDIT", Preload, "libraries that watch the loader", &[]),
    row("TZ", Zone, "the time zone", &["tzdata"]),
    row("TZDIR", Directory, "where time zones are", &["tzdata"]),
    row("LANG", Locale, "the language", &["locales-all"]),
    row("LC_ALL", Locale, "the language", &["locales-all"]),
    row("LC_COLLATE", Locale, "how text is sorted", &["locales-all"]),
    row("LC_CTYPE", Locale, "the encoding of text", &["locales-all"]),
    row("LC_MESSAGES", Locale, "the language of messages", &["locales-all"]),
    row("LC_MONETARY", Locale, "how amounts are written", &["locales-all"]),
    row("LC_NUMERIC", Locale, "how numbers are written", &["locales-all"]),
    row("LC_TIME", Locale, "how times are written", &["locales-all"]),
    row("LOCPATH", List, "where locales are", &["locales-all"]),
    row("GCONV_PATH", List, "where conversions of encodings are", &[]),
    // Certificates: OpenSSL, Go and Rust; curl; Python's requests and pip; Node.js; git; the AWS SDKs; Deno.
    row("SSL_CERT_FILE", File, "certificates to trust servers by", CERTIFICATES),
    row("SSL_CERT_DIR", List, "certificates to trust servers by", CERTIFICATES),
    row("CURL_CA_BUNDLE", File, "certificates to trust servers by", CERTIFICATES),
    row("REQUESTS_CA_BUNDLE", Either, "certificates to trust servers by", CERTIFICATES),
    row("PIP_CERT", File, "certificates to trust servers by", CERTIFICATES),
    row("NODE_EXTRA_CA_CERTS", File, "certificates to trust servers by", CERTIFICATES),
    row("GIT_SSL_CAINFO", File, "certificates to trust servers by", CERTIFICATES),
    row("AWS_CA_BUNDLE", File, "certificates to trust servers by", CERTIFICATES),
    row("DENO_CERT", File, "certificates to trust servers by", CERTIFICATES),
    row("OPENSSL_CONF", File, "the configuration of OpenSSL", &["openssl"]),
    row("OPENSSL_MODULES", Directory, "the providers of OpenSSL", &[]),
    row("OPENSSL_ENGINES", Directory, "the engines of OpenSSL", &[]),
    // Languages, each by its own manual.
    row("PYTHONPATH", List, "where Python looks for modules", &[]),
    row("PYTHONHOME", List, "where Python's standard library is", &[]),
    row("VIRTUAL_ENV", Directory, "the virtual environment of Python", &[]),
    row("NODE_PATH", List, "where Node.js looks for modules", &[]),
    row("JAVA_HOME", With("bin/java"), "the Java runtime", &[]),
    row("JRE_HOME", With("bin/java"), "the Java runtime", &[]),
    row("CLASSPATH", List, "where Java looks for classes", &[]),
    row("DOTNET_ROOT", Directory, "the .NET runtime", &[]),
    row("GEM_HOME", Directory, "where Ruby's gems are", &[]),
    row("GEM_PATH", List, "where Ruby's gems are", &[]),
    row("BUNDLE_GEMFILE", File, "the gems of the application", &[]),
    row("RUBYLIB", List, "where Ruby looks for libraries", &[]),
    row("PERL5LIB", List, "where Perl looks for modules", &[]),
    row("PHPRC", Either, "the configuration of PHP", &[]),
    row("PHP_INI_SCAN_DIR", List, "the configuration of PHP", &[]),
    row("GOROOT", Directory, "the Go distribution", &[]),
    row("R_HOME", Directory, "the R distribution", &[]),
    row("JULIA_BINDIR", Directory, "where Julia is", &[]),
    // Plugins and data of libraries.
    row("GI_TYPELIB_PATH", List, "descriptions of libraries for their bindings", &[]),
    row("GIO_MODULE_DIR", Directory, "the modules of GLib", &[]),
    row("GDK_PIXBUF_MODULE_FILE", File, "the loaders of gdk-pixbuf", &[]),
    row("GST_PLUGIN_PATH", List, "the plugins of GStreamer", &[]),
    row("GST_PLUGIN_SYSTEM_PATH", List, "the plugins of GStreamer", &[]),
    row("QT_PLUGIN_PATH", List, "the plugins of Qt", &[]),
    row("FONTCONFIG_FILE", File, "the configuration of fontconfig", &["fontconfig-config"]),
    row("FONTCONFIG_PATH", Directory, "the configuration of fontconfig", &["fontconfig-config"]),
    row("MAGICK_CONFIGURE_PATH", List, "the configuration of ImageMagick", &[]),
    row("SASL_PATH", List, "the plugins of Cyrus SASL", &[]),
    row("KRB5_CONFIG", List, "the configuration of Kerberos", &["krb5-config"]),
    row("ODBCSYSINI", Directory, "the configuration of ODBC", &["odbcinst"]),
    row("TNS_ADMIN", Directory, "the configuration of Oracle's client", &[]),
    row("GDAL_DATA", Directory, "the data of GDAL", &["gdal-data"]),
    row("PROJ_LIB", List, "the data of PROJ", &["proj-data"]),
    row("PROJ_DATA", List, "the data of PROJ", &["proj-data"]),
    row("TESSDATA_PREFIX", Directory, "the languages of Tesseract", &["tesseract-ocr-eng"]),
];

/// What is known of a variable.
pub(super) fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

const fn row(
    name: &'static str,
    kind: Kind,
    what: &'static str,
    packages: &'static [&'static str],
) -> Variable {
    Variable { name, kind, what, packages }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_variable_stands_once() {
        let names: BTreeSet<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
        assert_eq!(names.len(), VARIABLES.len());
    }
}
