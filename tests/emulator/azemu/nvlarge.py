# SPDX-License-Identifier: Apache-2.0
"""NV indices larger than libtpms can hold.  Azure's are 2600 and 4096 bytes,
libtpms stops at 2048.  The real index holds the first 2048 bytes, and what
passes is changed so that a client sees the whole: size and Name in
NV_ReadPublic, the data of reads that go beyond.

The TPM checks every authorisation itself (a read beyond becomes a read of no
bytes).  An HMAC session covers the index's Name and the answer, so its HMACs
are checked and made anew here; that needs no secret as long as the session is
unsalted and unbound and the authorisation value is empty, as on such a VM
(TPM 2.0 Library part 1, 19.6).  Sessions that encrypt parameters are not
served for these indices."""

import hashlib
import hmac
import struct

from . import tpmwire
from .tpmwire import CC, HASHES, Reader, error_response, sized

REAL = 2048                     # what libtpms can hold in one index
CHUNK = 1024                    # TPM2_PT_NV_BUFFER_MAX
ENCRYPTION = 0x60               # TPMA_SESSION decrypt, encrypt
OK = bytes(4)


class Session:
    """An unsalted, unbound HMAC session of a client."""

    def __init__(self, alg, nonce):
        self.hash, self.nonce = HASHES[alg], nonce

    def mac(self, message_hash, newer, older, attributes):
        data = message_hash + newer + older + bytes([attributes])
        return hmac.digest(b"", data, self.hash)


class Call:
    """A command with sessions, taken apart.  Raises ValueError."""

    def __init__(self, command, count):
        rd = Reader(command)
        rd.take(6)
        self.code = rd.u32()
        self.handles = [rd.u32() for _ in range(count)]
        area = Reader(rd.take(rd.u32()))
        self.auths = []
        while area.at < len(area.data):
            self.auths.append((area.u32(), area.sized(), area.u8(),
                               area.sized()))
        self.params = rd.data[rd.at:]

    def digest(self, session, names, params):
        return hashlib.new(session.hash, struct.pack(">I", self.code) +
                           b"".join(names) + params).digest()

    def build(self, params, mac):
        handle, nonce, attributes, _ = self.auths[0]
        area = struct.pack(">I", handle) + sized(nonce) + \
            bytes([attributes]) + sized(mac)
        body = b"".join(struct.pack(">I", h) for h in self.handles) + \
            struct.pack(">I", len(area)) + area + params
        return struct.pack(">HII", tpmwire.SESSIONS, 10 + len(body),
                           self.code) + body


def response(params, auth, tag=tpmwire.SESSIONS):
    """A successful answer without handles."""
    body = struct.pack(">I", len(params)) + params + auth
    return struct.pack(">HI", tag, 10 + len(body)) + OK + body


class LargeNv:
    """engine: what talks to the TPM as the platform."""

    def __init__(self, engine):
        self.engine = engine
        self.content = {}       # index: its whole content
        self.real_names = {}
        self.sessions = {}      # handle: Session
        self.shape = {}         # command: (handles in, handles out)
        rd = engine.call("GetCapability", (), struct.pack(
            ">III", 2, 0, 512))[1]
        rd.take(5)
        for _ in range(rd.u32()):
            word = rd.u32()
            self.shape[word & 0xffff] = (word >> 25 & 7, word >> 28 & 1)

    def put(self, index, data):
        """From now on index has this content; its first part is written."""
        rd = self.engine.call("NV_ReadPublic", (index,))[1]
        rd.sized()
        self.real_names[index] = rd.sized()
        self.content[index] = data

    def drop(self, index):
        self.content.pop(index, None)

    def around(self, command, transact):
        """What a client's command meets: the answer."""
        tag, _, code = struct.unpack(">HII", command[:10])
        if code == CC["StartAuthSession"]:
            return self.start_session(command, transact(command))
        if code == CC["NV_ReadPublic"]:
            return self.read_public(command, transact(command))
        if tag != tpmwire.SESSIONS or code not in self.shape:
            return transact(command)
        try:
            call = Call(command, self.shape[code][0])
        except ValueError:
            return transact(command)
        if code == CC["NV_Read"] and call.handles[1] in self.content and \
                len(call.params) == 4 and len(call.auths) == 1:
            return self.read(call, command, transact)
        return self.follow(call, transact(command))

    def start_session(self, command, answer):
        """Remember a session that can be served."""
        try:
            rd = Reader(command[10:])
            keys = (rd.u32(), rd.u32())
            rd.sized()
            rd.sized()
            kind, symmetric = rd.u8(), rd.u16()
            if symmetric != tpmwire.ALG_NULL:
                rd.take(4)
            alg = rd.u16()
            handles, out = tpmwire.parse_response(answer, 1)
            self.sessions.pop(handles[0], None)
            if keys == (tpmwire.NULL, tpmwire.NULL) and kind == 0 and \
                    alg in HASHES:
                self.sessions[handles[0]] = Session(alg, out.sized())
        except (ValueError, tpmwire.TpmError):
            pass
        return answer

    def follow(self, call, answer):
        """Keep the nonces of the sessions that were used."""
        used = [one[0] for one in call.auths]
        if answer[6:10] == OK and any(h in self.sessions for h in used):
            rd = Reader(answer[10 + 4 * self.shape[call.code][1]:])
            rd.take(rd.u32())
            for handle in used:
                nonce, _, _ = rd.sized(), rd.u8(), rd.sized()
                if handle in self.sessions:
                    self.sessions[handle].nonce = nonce
        return answer

    def shown_public(self, index, public):
        return public[:-2] + struct.pack(">H", len(self.content[index]))

    def read_public(self, command, answer):
        index = int.from_bytes(command[10:14], "big")
        if index not in self.content or answer[:2] != b"\x80\x01" or \
                answer[6:10] != OK:
            return answer
        public = self.shown_public(index, Reader(answer[10:]).sized())
        body = sized(public) + sized(tpmwire.name_of(public))
        return answer[:2] + struct.pack(">I", 10 + len(body)) + OK + body

    def names(self, call, shown):
        """Names of the handles, of large indices as a client sees them
        (shown) or as the TPM has them; None if there is another index."""
        out = []
        for handle in call.handles:
            if handle not in self.content:
                if handle >> 24 == 1:
                    return None
                out.append(struct.pack(">I", handle))
                continue
            name = self.real_names[handle]
            if shown:
                rd = self.engine.call("NV_ReadPublic", (handle,))[1]
                name = tpmwire.name_of(self.shown_public(handle, rd.sized()))
            out.append(name)
        return out

    def read(self, call, command, transact):
        """NV_Read of a large index."""
        handle, caller, attributes, mac = call.auths[0]
        session = self.sessions.get(handle)
        size, offset = struct.unpack(">HH", call.params)
        data = self.content[call.handles[1]]
        beyond = size <= CHUNK and offset + size > REAL
        params = bytes(4) if beyond else call.params
        if session is None:
            answer = transact(call.build(params, mac) if beyond else command)
        else:
            shown = self.names(call, True)
            if shown is None or attributes & ENCRYPTION or \
                    not hmac.compare_digest(mac, session.mac(
                        call.digest(session, shown, call.params), caller,
                        session.nonce, attributes)):
                return self.follow(call, transact(command))
            answer = transact(call.build(params, session.mac(
                call.digest(session, self.names(call, False), params),
                caller, session.nonce, attributes)))
        if answer[6:10] != OK:
            return answer
        if beyond and offset + size > len(data):
            self.follow(call, answer)
            return error_response(tpmwire.RC_NV_RANGE)
        rd = Reader(answer[10:])
        body = rd.take(rd.u32())
        if beyond:
            body = sized(data[offset:offset + size])
        if session is None:
            return response(body, rd.data[rd.at:])
        return self.answer_mac(call, session, rd, body)

    def answer_mac(self, call, session, rd, body):
        """The answer in a session, under the HMAC that the client expects."""
        nonce, attributes = rd.sized(), rd.u8()
        digest = hashlib.new(session.hash, OK + struct.pack(">I", call.code) +
                             body).digest()
        mac = session.mac(digest, nonce, call.auths[0][1], attributes)
        session.nonce = nonce
        if not attributes & 1:          # continueSession clear: it is gone
            self.sessions.pop(call.auths[0][0])
        return response(body, sized(nonce) + bytes([attributes]) + sized(mac))
