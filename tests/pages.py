#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pages.py CLGRAD: what is made of the commands' descriptions: help, man pages, completion, messages about options.

Needs no device. man pages are checked by groff and mandoc, completion by bash and zsh, where they are there."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.abspath(sys.argv.pop(1))
SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run(*args, **more):
    return subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **more)


def tool(*args):
    r = run(TOOL, *args)
    return r.returncode, r.stdout, r.stderr


def options_of(command):
    return re.findall(r"(?m)^  (--[\w-]+)", tool(*command, "--help")[1])


with open(f"{SOURCE}/tools/commands.def") as table:
    COMMANDS = re.findall(r"(?m)^COMMAND\((\w+)\)", table.read())
PAGES = [[]] + [[c] for c in COMMANDS]


class Help(unittest.TestCase):
    def test_every_command(self):
        listed = re.findall(r"(?m)^  ([a-z]\w*)  +\S", tool("--help")[1].split("commands:")[1].split("\n\n")[0])
        self.assertEqual(listed, COMMANDS)
        for command in PAGES:
            code, text, said = tool(*command, "--help")
            self.assertEqual((code, said), (0, ""), command)
            self.assertTrue(text.startswith(" ".join(["usage: clgrad", *command])), text)
            self.assertLess(max(map(len, text.split("\n"))), 80, text)
            self.assertTrue(text.isascii() and "\033" not in text and text.endswith("\n"), text)
            self.assertNotRegex(text, r"(?m) $|\n\n\n|\(null\)")
            for way in ([*command, "-h"], ["help", *command], [*command, "--nonsense", "--help"]):
                self.assertEqual(tool(*way), (0, text, ""), way)
        self.assertRegex(tool("train", "--help")[1], r"--seed N +of everything random \(default 1\)")

    def test_wrong_words(self):
        for args, near in ((["trian"], "train"), (["train", "--epoch", "3"], "--epochs"), (["train", "--Seed=1"], "--seed"),
                           (["bench", "--famliy", "x"], "--family"), (["devices", "--jsn"], "--json"),
                           (["bench", "ad"], None), (["help", "bnech"], "bench"), (["man", "caches"], "cache"),
                           (["--versoin"], "--version"), (["bench", "--net", "mlp,resnt18", "--list"], "resnet18"),
                           (["bench", "--family", "gem,reduce"], "gemm"), (["bench", "--plan", "grhap"], None), (["xyzzy"], None), (["train", "--xyzzy"], None),
                           (["train", "--" + "x" * 3000], None)):
            code, text, said = tool(*args)
            self.assertEqual((code, text), (2, ""), args)
            self.assertRegex(said, r"^clgrad( \w+)?: no .*\nTry: clgrad .*--help\n$")
            if near:
                self.assertIn(f"; there is {near}\n", said)
            elif args[0] != "bench":
                self.assertNotIn("there is", said)
        for args, what in ((["devices", "--json=1"], "takes no value"), (["train", "--epochs"], "needs a value"),
                           (["train", "--epochs="], "needs a value"), (["help", "train", "bench"], "unexpected 'bench'"),
                           (["devices", "--", "--json"], "unexpected '--json'"), (["train", "--", "-x"], "'-x'"),
                           (["train", "-"], "'-'"), (["train", "--lr=0x"], "expected a number")):
            code, text, said = tool(*args)
            self.assertEqual((code, text), (2, ""), args)
            self.assertIn(what, said)
        self.assertRegex(tool("bench", "--list", "--version")[2], "no option '--version'")


class Man(unittest.TestCase):
    def test_every_command(self):
        seen = []
        for command in PAGES:
            code, text, said = tool("man", *command)
            self.assertEqual((code, said), (0, ""), command)
            for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"):
                self.assertEqual(text.count(f".SH {heading}\n"), 1, command)
            for option in options_of(command):
                self.assertIn("\\fB" + option.replace("-", "\\-"), text)
            with tempfile.TemporaryDirectory() as folder:
                page = f"{folder}/page.1"
                with open(page, "w") as f:
                    f.write(text)
                for check in (["groff", "-man", "-ww", "-z"], ["mandoc", "-Tlint"]):
                    if shutil.which(check[0]):
                        r = run(*check, page)
                        self.assertEqual((r.returncode, r.stdout, r.stderr), (0, "", ""), command)
                        seen.append(check[0])
        if not seen:
            self.skipTest("neither groff nor mandoc is there")

    def test_all_are_installed(self):
        folder = os.path.join(os.path.dirname(TOOL), "pages")
        if not os.path.isdir(folder):
            self.skipTest("the build has no pages")
        for command in PAGES:
            with open(f"{folder}/{'-'.join(['clgrad', *command])}.1") as f:
                self.assertEqual(f.read(), tool("man", *command)[1])
        for name, shell in (("clgrad", "bash"), ("_clgrad", "zsh")):
            with open(f"{folder}/{name}") as f:
                self.assertEqual(f.read(), tool("completion", shell)[1])


class Completion(unittest.TestCase):
    def bash(self, lines, folder):
        """What bash offers at the end of each line, as its own word breaks split it."""
        script = [f'source "{folder}/script"', 'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _clgrad; '
                  'printf "%s\\t" "${COMPREPLY[@]}"; echo; }']
        script += ["try " + " ".join(f"'{word}'" for word in re.findall(r"=|[^ =]+|(?<= )$", "clgrad " + line))
                   for line in lines]
        with open(f"{folder}/script", "w") as f:
            f.write(tool("completion", "bash")[1])
        r = run("bash", "-u", "-c", "\n".join(script), cwd=folder)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        return [[word for word in line.split("\t") if word] for line in r.stdout.split("\n")[:-1]]

    def test_bash(self):
        expected = {
            "": COMMANDS, "tr": ["train"], "--": ["--help", "--version"], "nonsense ": [],
            "train --ep": ["--epochs"], "train --epochs ": [], "train --data some": ["some folder"],
            "train --data=some": ["some folder"], "train --device ": ["gpu", "cpu"], "train --device=c": ["cpu"],
            "train fashion-mnist --w": ["--watch"], "bench --net demo,un": ["demo,unet"],
            "bench --net=un": ["unet"], "bench --family conv3": ["conv3x3"], "bench launc": ["launch"],
            "cache ": ["warm", "clear"], "cache warm --net mob": ["mobilenet", "mobilenet_1"],
            "help ": COMMANDS, "completion ": ["bash", "zsh"], "devices ": ["--help", "--json", "--variants"],
            "devices --json --v": ["--variants"], "classify some": ["some folder", "something"], "grad som": ["some folder", "something"], "show --out=some": ["some folder", "something"],
        }
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/some folder")
            open(f"{folder}/something", "w").close()
            found = self.bash(list(expected), folder)
            for (line, words), got in zip(expected.items(), found):
                self.assertEqual(got, words, line)
            self.assertEqual(len(found), len(expected))
            for command, got in zip(COMMANDS, self.bash([c + " --" for c in COMMANDS], folder)):
                self.assertEqual(got, ["--help", *options_of([command])], command)

    @unittest.skipUnless(shutil.which("zsh"), "no zsh here")
    def test_zsh(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/_clgrad", "w") as f:
                f.write(tool("completion", "zsh")[1])
            r = run("zsh", "-f", "-c", f"zsh -n {folder}/_clgrad; fpath=({folder} $fpath); autoload -U compinit; "
                    f"compinit -u -D; print -- ${{_comps[clgrad]}}; source {folder}/_clgrad", cwd=folder)
            self.assertEqual((r.returncode, r.stdout.strip(), r.stderr), (0, "_clgrad", ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
