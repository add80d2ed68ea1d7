#!/usr/bin/python3
"""dialog.py SECONDS COMMAND STEP...: runs a shell command on a terminal of its own and talks to it.

A step is `see:TEXT` (the output must contain it, after what the step before saw) or `type:TEXT` (with \\n, \\x1d and the
like as Python writes them). Prints the output. Succeeds when all steps were done and the command then ended with 0."""
import os
import pty
import select
import sys
import time


def main(seconds, command, *steps):
    end = time.monotonic() + float(seconds)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("sh", ["sh", "-c", command])
    unread = ""

    def more():
        """Reads what comes; none at the command's end."""
        if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
            raise TimeoutError
        try:
            data = os.read(terminal, 4096)
        except OSError:  # how Linux tells that nobody has the other side open
            return None
        text = data.decode(errors="replace")
        sys.stdout.write(text)
        return text or None

    step = "start"
    try:
        for step in steps:
            kind, text = step.split(":", 1)
            text = text.encode().decode("unicode_escape")
            if kind == "type":
                os.write(terminal, text.encode())
                continue
            while text not in unread:
                new = more()
                if new is None:
                    raise EOFError
                unread += new
            unread = unread.split(text, 1)[1]
        step = "end of the command"
        while more() is not None:
            pass
    except (TimeoutError, EOFError) as error:
        os.kill(pid, 9)
        print(f"\ndialog: {type(error).__name__} at {step}")
        return 1
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


sys.exit(main(*sys.argv[1:]))
