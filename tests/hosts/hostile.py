"""Names from users, data sets or attackers, which must be shown as text."""

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
