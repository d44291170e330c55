"""Names that a person, a data set or an attacker may give; each is text and nothing else."""

NAMES = {
    "handler": "<img src=x onerror=\"__hit='handler'\">",
    "script": "</script><script>__hit='script'</script>",
    "comment": "<!--<script>__hit='comment'</script>",
    "svg": "<svg onload=__hit='svg'><b>bold</b> &lt;&amp;",
    "style": "</style><style>*{display:none}</style>",
    "attribute": "\" onfocus=\"__hit='attribute'\" autofocus x='",
    "formula": r"$\frac{1}{0$ \\ ${__hit='formula'} {{__hit='formula'}}",
    "bidi": "\u202egnp.exe\u202c \u2066left\u2069",
    "emoji": "👩🏽‍🔬🧪 e\u0301\u0302\u0303",
    "lines": "first\nsecond\r\n\tthird\u2028fourth",
    "long": "W" * 100_000,
}
