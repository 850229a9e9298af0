"""The words by which prose that describes a thing is told from prose around it; of every language a few."""

import re

# In headings below which nobody says what a thing is.
UNRELATED = re.compile(
    r"""
      ^(?:how\ )?to\b.*
    | \b(?:
        acknowledge?ments? | authors? | backers? | badges? | bugs? | build(?:ing|s)? | change\ ?log | citations?
      | citing | code\ of\ conduct | community | compil(?:e|ing) | contact | contents | contribut(?:e|ing|ions?|ors?)
      | credits? | depend(?:ency|encies) | deprecat(?:ed|ion) | develop(?:ers?|ing|ment)? | disclaimer | documentation
      | donat(?:e|ions?) | downloads? | errors? | faq | getting\ started | install(?:ation|ing)? | issues? | licen[cs]e
      | links | maint(?:ainers?|enance) | migrat(?:e|ing|ion) | news | prerequisites? | problems? | quick\ ?start
      | related | releases? | requirements? | resources | roadmap | run(?:ning)? | screenshots? | setup | sponsor\w*
      | star\ history | status | structure | support | table\ of | test(?:ing|s)? | thanks | to\ ?do | translations?
      | troubleshooting | upgrading | usage | using | versions?
      )\b
    | 安装 | 安裝 | 目录 | 目錄 | 使用 | 许可 | 許可 | 贡献 | 致谢 | 废弃 | インストール | 使い方 | ライセンス | 目次
    | 설치 | 사용법 | 라이선스 | установка | лицензия | использование | instalaci[oó]n | instalação | licencia | licença
    | uso\b | lizenz | verwendung | licence | utilisation | kurulum | التثبيت | نصب
    """,
    re.IGNORECASE | re.VERBOSE,
)
# At the beginning of sentences that send their reader elsewhere, or speak of something else.
ELSEWHERE = re.compile(
    r"""
      (?:
        please | see | read | visit | check | click | follow | join | sign\ up | learn | go\ to | head\ (?:to|over)
      | for\ (?:more|details|further|a\ full|an\ official|the\ (?:full|latest)) | take\ a\ look | download | fork | star
      | thanks? | thank\ you | special\ thanks | welcome | just\ (?:type|run|use) | want\ to | by\ participating
      | if | we\ use
      | we(?:['’]re|\ are)\ (?:looking|hiring|seeking) | to\ (?:install|build|run|get\ started|learn|use)
      | in\ (?:any|case|other) | you\ can\ (?:find|read|see) | (?:the\ )?(?:full\ )?documentation | docs
      | note | tips? | hints? | n\.?b | requires? | warning | important | tl;dr
      | .{0,60}\b(?:code\ of\ conduct|pull\ requests?\ (?:are|is)\ welcome|not\ accepting)
      | (?:more\ information|further\ information|details)\ (?:is|are|can)
      )\b
    | 请 | 欢迎 | 歡迎 | 詳しくは | 詳細 | подробнее | смотрите | (?:siehe|voir|véase|ver)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
