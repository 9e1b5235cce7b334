use scim::compare::{fold, instant, key};

const WIDE: &str = concat!(
    "　！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀",
    "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～｟｠｡｢｣､･ｦｧｨｩｪｫｬｭｮｯｰｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝ\u{FF9E}\u{FF9F}",
    "\u{FFA0}ﾡﾢﾣﾤﾥﾦﾧﾨﾩﾪﾫﾬﾭﾮﾯﾰﾱﾲﾳﾴﾵﾶﾷﾸﾹﾺﾻﾼﾽﾾￂￃￄￅￆￇￊￋￌￍￎￏￒￓￔￕￖￗￚￛￜ￠￡￢￣￤￥￦￨￩￪￫￬￭￮",
);

/// The decomposition mappings of `WIDE` in UnicodeData.txt, in the same order.
const ORDINARY: &str = concat!(
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`",
    "abcdefghijklmnopqrstuvwxyz{|}~⦅⦆。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u{3099}\u{309A}",
    "\u{3164}ㄱㄲㄳㄴㄵㄶㄷㄸㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅃㅄㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ¢£¬¯¦¥₩│←↑→↓■○",
);

#[test]
fn every_wide_and_narrow_form_is_the_ordinary_character() {
    assert_eq!((WIDE.chars().count(), ORDINARY.chars().count()), (226, 226));
    for (wide, ordinary) in WIDE.chars().zip(ORDINARY.chars()) {
        assert_eq!(fold(&wide.to_string()), fold(&ordinary.to_string()), "{wide}");
    }
    assert_eq!(fold("ＡＢＣ"), "abc");
    assert_eq!(fold("ｶ\u{FF9E}"), "ガ");
    // Only width is mapped: what merely looks like another character is another one.
    for (one, other) in [("²", "2"), ("ﬁ", "fi"), ("Ⅳ", "iv"), ("①", "1"), ("\u{430}cme", "acme")] {
        assert_ne!(fold(one), fold(other));
    }
}

#[test]
fn composed_and_decomposed_letters_are_the_same() {
    assert_eq!(fold("JOSE\u{301}"), fold("jos\u{E9}"));
    assert_eq!(fold("a\u{323}\u{302}"), fold("A\u{302}\u{323}"));
    assert_eq!(fold("\u{212B}"), fold("\u{E5}"));
    assert_eq!(fold("\u{1112}\u{1161}\u{11AB}"), "\u{D55C}");
    assert_ne!(fold("jose"), fold("jos\u{E9}"));
}

#[test]
fn letters_with_a_special_case_fold_to_something_sensible() {
    for (text, key) in
        [("\u{130}", "i\u{307}"), ("I\u{307}", "i\u{307}"), ("ı", "ı"), ("ẞ", "ß"), ("ß", "ß"), ("ς", "σ"), ("Σ", "σ"), ("\u{212A}", "k")]
    {
        assert_eq!(fold(text), key, "{text}");
    }
}

#[test]
fn folding_a_character_twice_is_folding_it_once() {
    // Beyond, there are only ideographs and what is for private use.
    for c in (0..0x2_0000).filter_map(char::from_u32) {
        let once = fold(&c.to_string());
        assert_eq!(fold(&once), once, "U+{:04X}", u32::from(c));
        let once = fold(&format!("e{c}\u{301}\u{327}"));
        assert_eq!(fold(&once), once, "U+{:04X} between others", u32::from(c));
    }
}

#[test]
fn case_is_folded_without_a_locale_and_without_looking_at_neighbours() {
    assert_eq!(fold("MÜLLER"), fold("müller"));
    assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
    assert_eq!(fold("I"), "i");
    // A dotless i is another letter, and so another name.
    assert_ne!(fold("mıra"), fold("mira"));
}

#[test]
fn only_what_is_not_case_exact_is_folded() {
    assert_eq!(key("Mira", true), "Mira");
    assert_eq!(key("Mira", false), "mira");
}

#[test]
fn a_time_is_read_in_every_zone_and_precision() {
    let expected = instant("2026-01-02T03:04:05Z");
    assert!(expected.is_some());
    for text in [
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05.000Z",
        "2026-01-02T03:04:05.0000000Z",
        "2026-01-02T04:04:05+01:00",
        "2026-01-02T04:04:05+0100",
        "2026-01-01T22:04:05-05:00",
    ] {
        assert_eq!(instant(text), expected, "{text}");
    }
    for text in ["", "é", "2026-01-02", "yesterday", "2026-13-02T03:04:05Z", "1767323045"] {
        assert_eq!(instant(text), None, "{text}");
    }
}
