import io
from datetime import datetime, timedelta, timezone

import lxml.etree
import PIL.Image
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

root = lxml.etree.fromstring("<a><b c='1'>text</b></a>")
sheet = "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>" \
    "<xsl:template match='/'><r><xsl:value-of select='//b/@c'/></r></xsl:template></xsl:stylesheet>"
print(lxml.etree.tostring(lxml.etree.XSLT(lxml.etree.fromstring(sheet))(root)).decode())

key = Fernet.generate_key()
print(Fernet(key).decrypt(Fernet(key).encrypt(b"secret")).decode())
signer = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
now = datetime.now(timezone.utc)
builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(signer.public_key())
builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
print(builder.sign(signer, hashes.SHA256()).subject.rfc4514_string())

for kind in ["PNG", "JPEG", "WEBP", "TIFF"]:
    file = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), "red").resize((20, 15)).save(file, kind)
    file.seek(0)
    print(kind, PIL.Image.open(file).size)
