# SPDX-License-Identifier: Apache-2.0
"""The vDSO of a traced process (vdso(7)) with other code in it: each process
has its own copy of what is written, nobody else sees it."""
import re
import struct

PHDR, SYM, WORD = struct.Struct('=IIQQQQQQ'), struct.Struct('=IBBHQQ'), \
    struct.Struct('=qQ')
PT_DYNAMIC, DT_STRTAB, DT_SYMTAB = 2, 5, 6
CLOCK_GETTIME, GETTIMEOFDAY = 228, 96


def place(pid):
    """(start, bytes) of its mapping."""
    with open('/proc/%s/maps' % pid, encoding='ascii') as f:
        m = re.search(r'^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$', f.read(), re.M)
    start, end = (int(x, 16) for x in m.groups())
    return start, end - start


def symbols():
    """{name: offset}, the same in every process of this kernel."""
    start, size = place('self')
    with open('/proc/self/mem', 'rb', 0) as f:
        f.seek(start)
        image = f.read(size)
    at, = struct.unpack_from('=Q', image, 32)
    count, = struct.unpack_from('=H', image, 56)
    dynamic = {}
    for kind, _, offset, _, _, length, _, _ in (
            PHDR.unpack_from(image, at + i * PHDR.size) for i in range(count)):
        if kind == PT_DYNAMIC:
            dynamic = dict(WORD.iter_unpack(image[offset:offset + length]))
    text, table = dynamic[DT_STRTAB], dynamic[DT_SYMTAB]
    out = {}
    for name, _, _, _, value, _ in SYM.iter_unpack(
            image[table:table + (text - table) // SYM.size * SYM.size]):
        end = image.index(b'\0', text + name)
        out[image[text + name:end].decode()] = value
    return out


def write(pid, name, code):
    with open('/proc/%d/mem' % pid, 'r+b', 0) as f:
        f.seek(place(pid)[0] + symbols()[name])
        f.write(code)


def system_call(number):
    """mov $number, %eax; syscall; ret"""
    return b'\xb8' + struct.pack('=I', number) + b'\x0f\x05\xc3'


def clock_by_call(pid):
    """Reading a clock is a system call from now on, as it is where the vDSO
    cannot read the machine's clock source."""
    write(pid, '__vdso_clock_gettime', system_call(CLOCK_GETTIME))
    write(pid, '__vdso_gettimeofday', system_call(GETTIMEOFDAY))


def stand_still(pid, seconds):
    """time(2) is that number from now on: mov $seconds, %eax; test %rdi, %rdi;
    je 1f; mov %rax, (%rdi); 1: ret"""
    write(pid, '__vdso_time', b'\xb8' + struct.pack('=I', seconds) +
          b'\x48\x85\xff\x74\x03\x48\x89\x07\xc3')


def shift(pid, seconds):
    """The wall clock is so many seconds ahead from now on; all others are as
    they were.  Each function asks the kernel (CLOCK_GETTIME, of CLOCK_REALTIME
    but for the first, which leaves the other clocks alone) and adds, by movabs
    to %rdx, what stands between the two halves."""
    for name, before, after in (
            # clock 0 or 5: add %rdx, (%rsi)
            ('__vdso_clock_gettime', 'b8e40000000f0585ff740583ff05750d48ba',
             '480116c3'),
            # a timespec on the stack; its seconds to %rax and (%rdi)
            ('__vdso_time', '574883ec1031ff4889e6b8e40000000f05488b0424'
             '4883c4105f48ba', '4801d04885ff7403488907c3'),
            # the same, and its nanoseconds / 1000 to 8(%rdi)
            ('__vdso_gettimeofday', '574883ec1031ff4889e6b8e40000000f05584158'
             '5f48ba', '4801d04885ff74144889074c89c031d2b9e803000048f7f1'
             '4889470831c0c3')):
        write(pid, name, bytes.fromhex(before) + struct.pack('=q', seconds) +
              bytes.fromhex(after))
