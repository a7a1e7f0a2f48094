"""The sheet to print and keep with an envelope: what it is for, who opens it, and how. It holds no secret."""

from __future__ import annotations

from hashlib import sha256
from html import escape

from jitportal.envelopes.sealing import Envelope

_STYLE = (
    "body{font:12pt/1.45 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#111;"
    "background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:1.6rem}dt{font-weight:600}"
    "dd{margin:0 0 .5rem}code,pre{font-family:ui-monospace,monospace;font-size:.95em}"
    "pre{border:1px solid #999;padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "ol li{margin:.4rem 0}.write{border-bottom:1px solid #333;display:inline-block;min-width:13rem}"
    "@page{margin:18mm}"
)


def instructions(envelope: Envelope, file_name: str) -> str:
    """The sheet as a page of HTML that needs nothing else."""
    names = [escape(one.name) for one in envelope.custodians]
    others = len(names)
    digest = sha256(envelope.text().encode()).hexdigest()
    name = escape(file_name)
    account = escape(envelope.account) or "ACCOUNT"
    keys = "".join(f" \\\n    --key CUSTODIAN{number}.key" for number in range(1, envelope.needed + 1))
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Emergency envelope {escape(envelope.number)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>
<body>
<h1>Emergency envelope: {escape(envelope.title)}</h1>
<p>For when the access portal itself is down. While it runs, use its emergency page: this is no shortcut.</p>
<dl>
<dt>Envelope</dt><dd><code>{escape(envelope.number)}</code>, in the file <code>{name}</code></dd>
<dt>For</dt><dd>{escape(envelope.account) or "what stands in its title"}</dd>
<dt>Sealed</dt><dd>{escape(envelope.made_at)}</dd>
<dt>Opened by</dt><dd>any {envelope.needed} of {others}: {", ".join(names)}</dd>
<dt>SHA-256 of the file</dt><dd><code>{digest}</code></dd>
</dl>
<h2>Opening it</h2>
<ol>
<li>Take a machine that you trust, best one without a network, with Python 3.11 or later, the packages
cryptography and pycryptodome, and the portal's folder <code>jitportal/envelopes</code>.</li>
<li>{envelope.needed} of the custodians bring their key files, and type their passphrases themselves.</li>
<li>Run, in the portal's checkout:
<pre>python -m jitportal.envelopes open {name}{keys}</pre>
Who can't come sends their share by telephone: they run
<pre>python -m jitportal.envelopes share {name} --key THEIR.key</pre>
and the others add <code>--share</code> with what it says.</li>
<li>Write down below who opened it, when and why, and everything that is done with it.</li>
</ol>
<h2>Afterwards</h2>
<ol>
<li>Change the credentials that were in it. They count as known.</li>
<li>Once the portal is back, write the use down there. It opens the review that every use has:
<pre>manage.py envelope used --account {account} \\
    --envelope {escape(envelope.number)} …</pre></li>
<li>Seal a new envelope with the new credentials, and destroy this one.</li>
</ol>
<h2>Who, when, why</h2>
<p>Opened by <span class="write">&nbsp;</span> and <span class="write">&nbsp;</span></p>
<p>From <span class="write">&nbsp;</span> until <span class="write">&nbsp;</span> (time zone!)</p>
<p>Why <span class="write">&nbsp;</span> Incident <span class="write">&nbsp;</span></p>
</body>
</html>
"""
