// SPDX-License-Identifier: MIT
// Gamma and error functions as kernel text. math.c says what holds of all such texts.
#include "codegen/gen.h"
#include "codegen/pieces.h"

// From 0.5 on exp(-x^2) r P(r) with r = 1 / (x + 2), up to where it is 0. What rounding does to x^2, x + 2 and r is known;
// the slope of r P(r) is about 1 + 2.7 r of itself.
#define ERFC(small, most, middle, tail)                                                            \
    FN1("erfc", "    T_@ a = fabs(x);\n    const T_@ z = a * a;\n" small                           \
                "    s = copysign(fma(a, s, a), x);\n"                                             \
                "    a = SEL_@(a > K_@(" most "), K_@(" most "), a);\n"                            \
                "    const T_@ d = a + K_@(2), r = K_@(1) / d, u = r - K_@(" middle "), q = a * a;\n" tail \
                "    const T_@ off = fma(-d, r, K_@(1)) - (a - (d - K_@(2))) * r, e = exp_@(-q), w = p * r;\n" \
                "    const T_@ y = e * fma(w, fma(off, fma(r, K_@(2.7f), K_@(1)), -fma(a, a, -q)), w);\n" \
                "    return SEL_@(z < K_@(0.25f), K_@(1) - s, SEL_@(x < K_@(0), K_@(2) - y, y));\n") IS1("erfc")
static const char erfc_f32[] = ERFC(
    "    T_@ s = fma(z, K_@(-6.081422907e-4f), K_@(5.009981804e-3f));\n"
    NEXT("s", "z", "-2.677731961e-2f") NEXT("s", "z", "0.1128208563f") NEXT("s", "z", "-0.3761251569f")
    NEXT("s", "z", "0.1283791065f")
    , "11", "0.25f",
    "    T_@ p = fma(u, K_@(-33.5405769f), K_@(12.8937473f));\n"
    NEXT("p", "u", "12.4198389f") NEXT("p", "u", "-6.6160512f") NEXT("p", "u", "-5.50439215f")
    NEXT("p", "u", "2.33215308f") NEXT("p", "u", "4.4715457f") NEXT("p", "u", "2.74864316f")
    NEXT("p", "u", "1.02158272f"));
static const char erfc_f64[] = ERFC(
    "    T_@ s = fma(z, K_@(-7.768631603009701e-10), K_@(1.370470581236866e-08));\n"
    NEXT("s", "z", "-1.6204733000644746e-07") NEXT("s", "z", "1.6446904371860057e-06")
    NEXT("s", "z", "-1.4924691776601541e-05") NEXT("s", "z", "0.000120552923664167")
    NEXT("s", "z", "-0.000854832588244731") NEXT("s", "z", "0.0052239776049508215")
    NEXT("s", "z", "-0.026866170642933267") NEXT("s", "z", "0.11283791670942668")
    NEXT("s", "z", "-0.3761263890318346") NEXT("s", "z", "0.12837916709551256")
    , "28", "0.21875",
    "    T_@ p = fma(u, K_@(-1415888.4173498026), K_@(35317.004623985988));\n"
    NEXT("p", "u", "481910.92206334241") NEXT("p", "u", "-93695.269232774051")
    NEXT("p", "u", "-69610.588448714479") NEXT("p", "u", "35871.540806451347")
    NEXT("p", "u", "545.21984198933637") NEXT("p", "u", "-7001.1231010183747")
    NEXT("p", "u", "2393.9193701231247") NEXT("p", "u", "679.26326567543663")
    NEXT("p", "u", "-761.85855691206075") NEXT("p", "u", "72.846743649582763")
    NEXT("p", "u", "167.94418287802756") NEXT("p", "u", "-60.864826514889685")
    NEXT("p", "u", "-33.755950543859512") NEXT("p", "u", "23.675768135130816")
    NEXT("p", "u", "8.5250912565895351") NEXT("p", "u", "-8.6549522323968233")
    NEXT("p", "u", "-4.3021120851425954") NEXT("p", "u", "2.9486547831322185")
    NEXT("p", "u", "4.2228302320083957") NEXT("p", "u", "2.4766419708455492")
    NEXT("p", "u", "0.9399781523570393"));

// x P(w), w = -log(1 - x^2), in the tail a polynomial of its root
#define ERFINV(edge, near, far)                                                                    \
    FN1("erfinv", "    const T_@ w = -log_@((K_@(1) - x) * (K_@(1) + x)), s = sqrt(w), u = w - K_@(" edge ");\n" near far \
                  "    return SEL_@(fabs(x) == K_@(1), copysign(K_@(INFINITY), x), x * p);\n")     \
    "#define H_ERFINV_@(a) NAME(erfinv_@)(a)\n"
static const char erfinv_f32[] = ERFINV("2.5f",
    "    T_@ p = fma(u, K_@(-8.93192631e-09f), K_@(2.33359678e-08f));\n"
    NEXT("p", "u", "4.68131361e-07f") NEXT("p", "u", "-3.46398519e-06f") NEXT("p", "u", "-4.9724199e-06f")
    NEXT("p", "u", "0.000218349393f") NEXT("p", "u", "-0.00125272642f") NEXT("p", "u", "-0.00417739293f")
    NEXT("p", "u", "0.24664028f") NEXT("p", "u", "1.50140941f")
    , "    const T_@ v = s - K_@(3);\n"
    "    T_@ q = fma(v, K_@(-3.43739011e-05f), K_@(0.00016903512f));\n"
    NEXT("q", "v", "-0.000273624959f") NEXT("q", "v", "-0.000131736495f") NEXT("q", "v", "0.00147525745f")
    NEXT("q", "v", "-0.00356160197f") NEXT("q", "v", "0.00568710221f") NEXT("q", "v", "-0.00764374482f")
    NEXT("q", "v", "0.00944539811f") NEXT("q", "v", "1.00167525f") NEXT("q", "v", "2.83297682f")
    "    p = SEL_@(w < K_@(5), p, q);\n");
static const char erfinv_f64[] = ERFINV("3.125",
    "    T_@ p = fma(u, K_@(3.240704459379902e-21), K_@(-1.113483769832702e-21));\n"
    NEXT("p", "u", "-3.4996044354754177e-19") NEXT("p", "u", "1.150022252066253e-18")
    NEXT("p", "u", "1.5574320246233251e-17") NEXT("p", "u", "-1.3016928016796445e-16")
    NEXT("p", "u", "-4.0282154327661744e-17") NEXT("p", "u", "6.5964077124208341e-15")
    NEXT("p", "u", "-4.0012377350918961e-14") NEXT("p", "u", "-8.1183994430743526e-14")
    NEXT("p", "u", "2.6304834740560442e-12") NEXT("p", "u", "-1.2976885526532075e-11")
    NEXT("p", "u", "-5.414287198084716e-11") NEXT("p", "u", "1.0512181539804126e-09")
    NEXT("p", "u", "-4.1126608200232397e-09") NEXT("p", "u", "-2.9070382262927266e-08")
    NEXT("p", "u", "4.2347881737823391e-07") NEXT("p", "u", "-1.3654691850603575e-06")
    NEXT("p", "u", "-1.3882523394405316e-05") NEXT("p", "u", "0.00018673420802464837")
    NEXT("p", "u", "-0.00074070253415447704") NEXT("p", "u", "-0.0060336708714278497")
    NEXT("p", "u", "0.24015818242558831") NEXT("p", "u", "1.6536545626831027")
    , "    const T_@ v = s - K_@(3.25), t = s - K_@(5);\n"
    "    T_@ q = fma(v, K_@(-1.5102695423335065e-08), K_@(6.9692419776296945e-10));\n"
    NEXT("q", "v", "1.3104351499972014e-07") NEXT("q", "v", "-2.7134511054394561e-07")
    NEXT("q", "v", "-2.7004219280868947e-08") NEXT("q", "v", "1.4987130784186127e-06")
    NEXT("q", "v", "-3.986084395214756e-06") NEXT("q", "v", "2.9257291901789823e-06")
    NEXT("q", "v", "1.2465167157087251e-05") NEXT("q", "v", "-4.7318984120112452e-05")
    NEXT("q", "v", "6.8287086547533766e-05") NEXT("q", "v", "2.4031257015092525e-05")
    NEXT("q", "v", "-0.00035503780975963814") NEXT("q", "v", "0.00095328936374356377")
    NEXT("q", "v", "-0.0016882755357337071") NEXT("q", "v", "0.0024914420969817607")
    NEXT("q", "v", "-0.003751208508215561") NEXT("q", "v", "0.0053709145535716799")
    NEXT("q", "v", "1.0052589676941652") NEXT("q", "v", "3.0838856104922208")
    "    T_@ f = fma(t, K_@(-1.543927819720834e-11), K_@(4.2802433037309418e-11));\n"
    NEXT("f", "t", "4.6977303445962824e-11") NEXT("f", "t", "-4.3738896637340692e-10")
    NEXT("f", "t", "1.3589365341577093e-09") NEXT("f", "t", "-3.4714379338967191e-09")
    NEXT("f", "t", "7.7774285398266339e-09") NEXT("f", "t", "-1.525516018129263e-08")
    NEXT("f", "t", "2.9044909320789473e-08") NEXT("f", "t", "-6.7556030353736605e-08")
    NEXT("f", "t", "2.2904362741369038e-07") NEXT("f", "t", "-9.9302947749828847e-07")
    NEXT("f", "t", "4.5260543285596712e-06") NEXT("f", "t", "-1.9681770676949253e-05")
    NEXT("f", "t", "7.5995277920249402e-05") NEXT("f", "t", "-0.00021503011983024694")
    NEXT("f", "t", "-0.00013871931837351699") NEXT("f", "t", "1.0103004648645455")
    NEXT("f", "t", "4.8499064014085844")
    "    p = SEL_@(w < K_@(6.25), p, SEL_@(w < K_@(16), q, f));\n");

// log |gamma(x)|: t (t - 1) R(t - 1), t = x - 1, from 1 to 3; of a product with x below, by Stirling's series above.
// Left of 0 by reflection, but for numbers so small that d and s might be flushed to 0.
#define LGAMMA(near, series)                                                                       \
    FN1("lgamma",                                                                                  \
        "    const T_@ a = fabs(x);\n    const I_@ low = a < K_@(1), far = a >= K_@(8);\n"         \
        "    T_@ m = a, f = K_@(1);\n    for (int i = 0; i < 5; i++) {\n"                          \
        "        const I_@ c = m >= K_@(3);\n        m = SEL_@(c, m - K_@(1), m);\n"               \
        "        f = SEL_@(c, f * m, f);\n    }\n"                                                \
        "    const T_@ t = SEL_@(low, a, m - K_@(1)), u = t - K_@(1), r = K_@(1) / a, z = r * r;\n" near series \
        "    const T_@ n = t * u * p, l = log_@(SEL_@(low | far, a, f));\n"                        \
        "    const T_@ far_y = (a - K_@(0.5f)) * (l - K_@(1)) + (K_@(0.418938533204672742) + r * q);\n" \
        "    const T_@ y = SEL_@(far, far_y, SEL_@(low, n - l, n + l)), d = a - rint(a);\n"        \
        "    const T_@ s = fabs(sin_@(d * K_@(3.1415926535897931))) * K_@(0.31830988618379067);\n" \
        "    const T_@ left = -log_@(SEL_@(low, s, s * a)) - SEL_@(low, n, y);\n"                  \
        "    const T_@ all = SEL_@(x > K_@(-1e-20f), y, SEL_@(d == K_@(0), K_@(INFINITY), left));\n" \
        "    return SEL_@(a == K_@(INFINITY), a, SEL_@(x == x, all, x));\n")                       \
    "#define H_LGAMMA_@(a) NAME(lgamma_@)(a)\n"
static const char lgamma_f32[] = LGAMMA(
    "    T_@ p = fma(u, K_@(1.8091514e-05f), K_@(-3.85804742e-05f));\n"
    NEXT("p", "u", "2.38816065e-05f") NEXT("p", "u", "-5.28397359e-05f") NEXT("p", "u", "0.000191739688f")
    NEXT("p", "u", "-0.00042515414f") NEXT("p", "u", "0.000912594493f") NEXT("p", "u", "-0.00210224232f")
    NEXT("p", "u", "0.00499899592f") NEXT("p", "u", "-0.0123849437f") NEXT("p", "u", "0.0329649895f")
    NEXT("p", "u", "-0.100317277f") NEXT("p", "u", "0.422784328f")
    ,
    "    T_@ q = fma(z, K_@(7.9365079e-4f), K_@(-2.7777778e-3f));\n"
    NEXT("q", "z", "8.3333333e-2f"));
static const char lgamma_f64[] = LGAMMA(
    "    T_@ p = fma(u, K_@(-7.639292345836201e-10), K_@(1.5746606982777302e-09));\n"
    NEXT("p", "u", "2.0986002157033107e-09") NEXT("p", "u", "-4.3124957703508178e-09")
    NEXT("p", "u", "-7.8425577205383561e-09") NEXT("p", "u", "1.6194359237484174e-08")
    NEXT("p", "u", "-2.7296358592514825e-09") NEXT("p", "u", "5.9105658535078692e-09")
    NEXT("p", "u", "-4.9827532071170234e-08") NEXT("p", "u", "1.042041826608264e-07")
    NEXT("p", "u", "-1.8784426446437581e-07") NEXT("p", "u", "3.958940459367468e-07")
    NEXT("p", "u", "-8.5456090897588297e-07") NEXT("p", "u", "1.8113906873056685e-06")
    NEXT("p", "u", "-3.8468580915330142e-06") NEXT("p", "u", "8.2212344759429052e-06")
    NEXT("p", "u", "-1.7661767658452517e-05") NEXT("p", "u", "3.816907658276081e-05")
    NEXT("p", "u", "-8.3095114777095614e-05") NEXT("p", "u", "0.00018255261539826381")
    NEXT("p", "u", "-0.00040570739837751511") NEXT("p", "u", "0.0009153769240386907")
    NEXT("p", "u", "-0.0021081308339216706") NEXT("p", "u", "0.0049986411646271286")
    NEXT("p", "u", "-0.012384192193371805") NEXT("p", "u", "0.032965000621156912")
    NEXT("p", "u", "-0.10031730167435392") NEXT("p", "u", "0.42278433509846713")
    ,
    "    T_@ q = fma(z, K_@(-0.029550653594771242), K_@(0.00641025641025641));\n"
    NEXT("q", "z", "-0.0019175269175269176") NEXT("q", "z", "0.00084175084175084171")
    NEXT("q", "z", "-0.00059523809523809529") NEXT("q", "z", "0.00079365079365079365")
    NEXT("q", "z", "-0.0027777777777777779") NEXT("q", "z", "0.083333333333333329"));

// (x - root) P(x) from 1 to 3, by sums of 1 / x up to 10, then the asymptotic series. Left of 0 less pi cot(pi x), by the
// exact distance from its pole or zero: it is 1/h - h C(h^2) up to 1/4, and beyond the reciprocal of that at 1/2 - h.
#define DIGAMMA(root, rest, tail, square, square_low, near, series, cotangent)                     \
    FN1("digamma",                                                                                 \
        "    const I_@ right = x > K_@(0), low = right & (x < K_@(1));\n"                          \
        "    const T_@ b = SEL_@(right, x, K_@(1) - x);\n    T_@ m = b, s = K_@(0);\n"             \
        "    for (int i = 0; i < 7; i++) {\n        const I_@ c = m >= K_@(3);\n"                  \
        "        m = SEL_@(c, m - K_@(1), m);\n        s = SEL_@(c, s + K_@(1) / m, s);\n    }\n"   \
        "    const T_@ u = SEL_@(low, x - K_@(1), m - K_@(2)), r = K_@(1) / b, z = r * r;\n"       \
        "    const T_@ d = SEL_@(low, x - K_@(" rest "), m - K_@(" root ")) - K_@(" tail ");\n" near series \
        "    const T_@ far = log_@(b) - fma(z, q, r * K_@(0.5f));\n"                               \
        "    const T_@ y = SEL_@(b < K_@(10), fma(d, p, SEL_@(low, -r, s)), far), n = x - rint(x), e = fabs(n);\n" \
        "    const I_@ steep = e > K_@(0.25f);\n"                                                  \
        "    const T_@ h = SEL_@(steep, K_@(0.5f) - e, e), v = h * h;\n" cotangent                 \
        "    const T_@ over = SEL_@(steep, fma(h, K_@(" square "), h * K_@(" square_low ")), K_@(1));\n" \
        "    const T_@ t = over / SEL_@(steep, fma(-v, c, K_@(1)), h);\n"                          \
        "    const T_@ left = y - copysign(SEL_@(steep, t, fma(-h, c, t)), n);\n"                  \
        "    const T_@ all = SEL_@(right, y, SEL_@(n == K_@(0), K_@(NAN), left));\n"               \
        "    return SEL_@(x == K_@(0), copysign(K_@(INFINITY), -x), SEL_@(x == x, all, x));\n")    \
    "#define H_DIGAMMA_@(a) NAME(digamma_@)(a)\n"
static const char digamma_f32[] = DIGAMMA("1.46163213f", "0.46163213f", "1.24381501e-08f", "9.86960411f", "2.90371585e-07f",
    "    T_@ p = fma(u, K_@(-0.000110363042f), K_@(0.000220856396f));\n"
    NEXT("p", "u", "-5.58361135e-05f") NEXT("p", "u", "0.000112410227f") NEXT("p", "u", "-0.000758196984f")
    NEXT("p", "u", "0.00152395468f") NEXT("p", "u", "-0.00270920573f") NEXT("p", "u", "0.00549150351f")
    NEXT("p", "u", "-0.0113436282f") NEXT("p", "u", "0.0234577022f") NEXT("p", "u", "-0.0495507047f")
    NEXT("p", "u", "0.10899926f") NEXT("p", "u", "-0.260738969f") NEXT("p", "u", "0.785307527f")
    ,
    "    T_@ q = fma(z, K_@(-4.1666667e-3f), K_@(3.9682540e-3f));\n"
    NEXT("q", "z", "-8.3333333e-3f") NEXT("q", "z", "8.3333333e-2f")
    ,
    "    T_@ c = fma(v, K_@(2.34919476f), K_@(1.98853853f));\n"
    NEXT("c", "v", "2.03513041f") NEXT("c", "v", "2.16464297f") NEXT("c", "v", "3.28986814f"));
static const char digamma_f64[] = DIGAMMA("1.4616321449683622", "0.46163214496836220", "9.5499954299656974e-17",
    "9.8696044010893580", "6.2652955087397117e-16",
    "    T_@ p = fma(u, K_@(-5.1007702149894689e-09), K_@(1.0201545142033868e-08));\n"
    NEXT("p", "u", "1.7852672191376552e-08") NEXT("p", "u", "-3.5705337308985145e-08")
    NEXT("p", "u", "-5.7702592677173903e-08") NEXT("p", "u", "1.1540536834062045e-07")
    NEXT("p", "u", "2.821220170829738e-08") NEXT("p", "u", "-5.6422994902202784e-08")
    NEXT("p", "u", "-2.3086248081342955e-07") NEXT("p", "u", "4.6173797029851077e-07")
    NEXT("p", "u", "-6.0593227950452563e-07") NEXT("p", "u", "1.2119815782595426e-06")
    NEXT("p", "u", "-2.6338311326151924e-06") NEXT("p", "u", "5.2687194289721802e-06")
    NEXT("p", "u", "-1.0441066319835141e-05") NEXT("p", "u", "2.0891708911121205e-05")
    NEXT("p", "u", "-4.1846229319378813e-05") NEXT("p", "u", "8.3779665405306442e-05")
    NEXT("p", "u", "-0.00016781518722379935") NEXT("p", "u", "0.00033643237613001386")
    NEXT("p", "u", "-0.00067531336979956497") NEXT("p", "u", "0.0013581421903714414")
    NEXT("p", "u", "-0.0027395728831692795") NEXT("p", "u", "0.0055522541713508141")
    NEXT("p", "u", "-0.011338432553333682") NEXT("p", "u", "0.023447309597724546")
    NEXT("p", "u", "-0.049551032917672912") NEXT("p", "u", "0.10899991701762626")
    NEXT("p", "u", "-0.2607389546830014") NEXT("p", "u", "0.78530753860410529")
    ,
    "    T_@ q = fma(z, K_@(0.083333333333333329), K_@(-0.021092796092796094));\n"
    NEXT("q", "z", "0.0075757575757575760") NEXT("q", "z", "-0.0041666666666666666")
    NEXT("q", "z", "0.0039682539682539680") NEXT("q", "z", "-0.0083333333333333332")
    NEXT("q", "z", "0.083333333333333329")
    ,
    "    T_@ c = fma(v, K_@(2.7545039873927943), K_@(1.8937276859767056));\n"
    NEXT("c", "v", "2.0080732280868983") NEXT("c", "v", "1.9997590854471101") NEXT("c", "v", "2.0005022743772565")
    NEXT("c", "v", "2.0019889799437163") NEXT("c", "v", "2.0081547140412659") NEXT("c", "v", "2.03468612396084")
    NEXT("c", "v", "2.1646464674222918") NEXT("c", "v", "3.2898681336964528"));

#define TRIGAMMA(series)                                                                           \
    FN1("trigamma",                                                                                \
        "    const I_@ right = x > K_@(0);\n    T_@ m = SEL_@(right, x, K_@(1) - x), s = K_@(0);\n" \
        "    for (int i = 0; i < 10; i++) {\n        const I_@ c = m < K_@(10);\n"                 \
        "        const T_@ r = K_@(1) / m;\n        s = SEL_@(c, fma(r, r, s), s);\n"              \
        "        m = SEL_@(c, m + K_@(1), m);\n    }\n    const T_@ r = K_@(1) / m, z = r * r;\n" series \
        "    const T_@ y = s + fma(r * z, q, fma(z, K_@(0.5f), r)), d = x - rint(x);\n"            \
        "    const T_@ c = K_@(3.1415926535897931) / sin_@(d * K_@(3.1415926535897931));\n"        \
        "    return SEL_@(right | (x != x), y, fma(c, c, -y));\n")                                 \
    "#define H_TRIGAMMA_@(a) NAME(trigamma_@)(a)\n"
static const char trigamma_f32[] = TRIGAMMA(
    "    T_@ q = fma(z, K_@(-3.3333333e-2f), K_@(2.3809524e-2f));\n"
    NEXT("q", "z", "-3.3333333e-2f") NEXT("q", "z", "0.16666667f"));
static const char trigamma_f64[] = TRIGAMMA(
    "    T_@ q = fma(z, K_@(1.1666666666666667), K_@(-0.25311355311355310));\n"
    NEXT("q", "z", "0.075757575757575760") NEXT("q", "z", "-0.033333333333333333")
    NEXT("q", "z", "0.023809523809523808") NEXT("q", "z", "-0.033333333333333333")
    NEXT("q", "z", "0.16666666666666666"));

// c zeta(n + 1, x), c = (-1)^(n + 1) n!: the sum of (x + k)^-(n + 1) up to 20, then Euler and Maclaurin's formula. Left
// of 0 the sum over all integers less that beyond, each of which is right of 0.
static const char polygamma[] =
    "static inline T_@ NAME(hurwitz_@)(T_@ s, T_@ x)\n{\n    T_@ y = K_@(0);\n" CLG__EDGE
    "    for (int i = 0; i < 20; i++) {\n        const I_@ c = x < K_@(20);\n"
    "        y = SEL_@(c, y + H_POW_@(K_@(1) / x, s), y);\n        x = SEL_@(c, x + K_@(1), x);\n    }\n"
    "    const T_@ r = K_@(1) / x, z = r * r;\n"
    "    T_@ p = fma(z * (s + K_@(10)) * (s + K_@(9)), K_@(-5.284190138687493e-10), K_@(2.08767569878681e-08));\n"
    "    p = fma(z * (s + K_@(8)) * (s + K_@(7)), p, K_@(-8.267195767195768e-07));\n"
    "    p = fma(z * (s + K_@(6)) * (s + K_@(5)), p, K_@(3.306878306878307e-05));\n"
    "    p = fma(z * (s + K_@(4)) * (s + K_@(3)), p, K_@(-0.001388888888888889));\n"
    "    p = s * fma(z * (s + K_@(2)) * (s + K_@(1)), p, K_@(0.08333333333333333));\n"
    "    return fma(H_POW_@(r, s - K_@(1)), fma(r, fma(r, p, K_@(0.5f)), K_@(1) / (s - K_@(1))), y);\n}\n"
    "static inline T_@ NAME(polygamma_@)(T_@ x, T_@ n, T_@ c)\n{\n"
    "    const I_@ right = x > K_@(0);\n    const T_@ s = n + K_@(1), h = s * K_@(0.5f), d = x - rint(x);\n"
    "    const T_@ sign = SEL_@(h == floor(h), K_@(1), K_@(-1));\n    T_@ y = H_POW_@(K_@(1) / d, s);\n"
    "    y = SEL_@(right, K_@(0), y);\n" CLG__EDGE "    for (int i = 0; i < 3; i++) {\n"
    "        const T_@ q = i == 0 ? SEL_@(right, x, K_@(1) + d) : i == 1 ? K_@(1) - d : K_@(1) - x;\n"
    "        const T_@ w = NAME(hurwitz_@)(s, q);\n"
    "        const T_@ f = i == 0 ? K_@(1) : i == 1 ? sign : -sign;\n        y = SEL_@(right, i == 0 ? w : y, fma(f, w, y));\n    }\n"
    "    return SEL_@(x == x, SEL_@(d == K_@(0), SEL_@(right, c * y, c * K_@(INFINITY)), c * y), x);\n}\n"
    "#define H_POLYGAMMA_@(a, b, c) NAME(polygamma_@)(a, b, c)\n";

const clg__piece clg__math_gamma[] = {
    { "erfc", CLG__BOTH, "K SEL exp", erfc_f32, NULL }, // Mesa's is 62 ulp off
    { "erfc", CLG__CPU, "K SEL exp", NULL, erfc_f64 },
    { "H_ERFINV", CLG__BOTH, "K SEL log", erfinv_f32, erfinv_f64 },
    { "H_LGAMMA", CLG__BOTH, "K SEL log sin", lgamma_f32, lgamma_f64 },
    { "H_DIGAMMA", CLG__BOTH, "K SEL log", digamma_f32, digamma_f64 },
    { "H_TRIGAMMA", CLG__BOTH, "K SEL sin", trigamma_f32, trigamma_f64 },
    { "H_POLYGAMMA", CLG__BOTH, "K SEL H_POW", polygamma, polygamma },
    { NULL, 0, NULL, NULL, NULL },
};
