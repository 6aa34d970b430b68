# SPDX-License-Identifier: Apache-2.0
"""The pages of the policies (policy/ROLE.policy) as tests read them: what a
process may link, reach and be.  The facts stand there and nowhere else."""
import glob
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Page:
    def __init__(self, role):
        self.role, self.facts = role, []
        path = os.path.join(ROOT, 'policy', role + '.policy')
        with open(path, encoding='utf-8') as f:
            for line in f:
                words = line.split('#')[0].replace(',', ' ').split()
                if words:
                    self.facts.append(words)

    def all(self, word):
        """The lines that begin with a word, without it."""
        return [f[1:] for f in self.facts if f[0] == word]

    @property
    def program(self):
        """None for a list that several processes load."""
        found = self.all('program')
        return found[0][0] if found else None

    @property
    def links(self):
        return {f[0] for f in self.all('link')} - {'nothing'}

    @property
    def landlock_paths(self):
        return [f[1] for f in self.all('landlock')
                if len(f) > 1 and f[1].startswith('/')]

    def limit(self, name):
        return next(int(f[1]) for f in self.all('limit') if f[0] == name)


def processes():
    roles = (os.path.basename(p)[:-len('.policy')] for p in
             sorted(glob.glob(os.path.join(ROOT, 'policy', '*.policy'))))
    return [p for p in map(Page, roles) if p.program]
