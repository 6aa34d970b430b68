# SPDX-License-Identifier: Apache-2.0
"""The little of DER (X.690) that AMD's certificates need: they carry serial
number 0 and RSASSA-PSS, which python3-cryptography 38 does not write."""

PSS_SHA384 = bytes.fromhex(
    "304606092a864886f70d01010a3039"
    "a00f300d06096086480165030402020500"
    "a11c301a06092a864886f70d010108300d06096086480165030402020500"
    "a203020130a303020101")
"""AlgorithmIdentifier: RSASSA-PSS, SHA-384, MGF1-SHA-384, salt 48, trailer 1
(RFC 4055), with the NULL parameters that AMD writes."""

PSS_SHA384_SHORT = bytes.fromhex(
    "304106092a864886f70d01010a3034"
    "a00f300d06096086480165030402020500"
    "a11c301a06092a864886f70d010108300d06096086480165030402020500"
    "a203020130")
"""The same without the trailer field, whose default it is: newer VCEKs."""


def tlv(tag, *parts):
    """One element; the parts are joined."""
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    count = (size.bit_length() + 7) // 8
    return bytes([tag, 0x80 | count]) + size.to_bytes(count, "big") + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(value):
    """A non-negative INTEGER."""
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted):
    first, second, *rest = [int(n) for n in dotted.split(".")]
    out = bytes([first * 40 + second])
    for arc in rest:
        part = [arc & 0x7f]
        while arc := arc >> 7:
            part.append(0x80 | arc & 0x7f)
        out += bytes(reversed(part))
    return tlv(6, out)


def utctime(when):
    return tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())


def bits(data):
    return tlv(3, b"\0", data)


def octets(data):
    return tlv(4, data)


def explicit(number, *parts):
    return tlv(0xA0 | number, *parts)


def read(data, offset=0):
    """(tag, start of content, end of content) of the element at offset;
    raises ValueError.  One-byte tags and minimal definite lengths only."""
    try:
        tag, first = data[offset], data[offset + 1]
    except IndexError:
        raise ValueError("DER is cut") from None
    start, size = offset + 2, first
    if first & 0x80:
        count = first & 0x7f
        raw = data[start:start + count]
        size = int.from_bytes(raw, "big")
        if not 1 <= count <= 4 or len(raw) != count or size < 128 or not raw[0]:
            raise ValueError("DER length")
        start += count
    if tag & 0x1f == 0x1f or start + size > len(data):
        raise ValueError("DER tag or length")
    return tag, start, start + size


def total(data):
    """Length of the element that data begins with; raises ValueError."""
    return read(data)[2]


def certificate_parts(data):
    """(tbs, signature AlgorithmIdentifier, signature) of a certificate, all
    but the signature as encoded; raises ValueError unless it is exact."""
    tag, start, end = read(data)
    if tag != 0x30 or end != len(data):
        raise ValueError("not one certificate")
    cut = [start]
    for want in (0x30, 0x30, 0x03):
        tag, first, last = read(data, cut[-1])
        if tag != want or last > end:
            raise ValueError("not a certificate")
        cut.append(last)
    if cut[-1] != end or data[first] != 0:
        raise ValueError("not a certificate")
    return data[cut[0]:cut[1]], data[cut[1]:cut[2]], data[first + 1:end]
