// SPDX-License-Identifier: MIT
// Modified Bessel functions and the normal distribution as kernel text. math.c says what holds of all such texts.
#include "codegen/gen.h"
#include "codegen/pieces.h"

// Of a >= 0: I0 up to 8, a polynomial of a^2 / 4; above it exp(-a) I0, one of 1 / a over the root of a. I1 likewise.
#define BESSEL(name, factor, small, centre, large)                                                 \
    "static inline T_@ NAME(" name "_@)(T_@ a)\n{\n"                                               \
    "    const T_@ z = a * a * K_@(0.25f), u = K_@(1) / a - K_@(" centre ");\n" small large         \
    "    return SEL_@(a > K_@(8), q / sqrt(a), " factor "p);\n}\n"
static const char bessel0_f32[] = BESSEL("bessel0", "",
    "    T_@ p = fma(z, K_@(1.55364138e-13f), K_@(4.2378709e-12f));\n"
    NEXT("p", "z", "6.90990987e-10f") NEXT("p", "z", "3.83250729e-08f") NEXT("p", "z", "1.93811593e-06f")
    NEXT("p", "z", "6.93937109e-05f") NEXT("p", "z", "0.00173628668f") NEXT("p", "z", "0.0277774241f")
    NEXT("p", "z", "0.250000358f") NEXT("p", "z", "0.999999881f") NEXT("p", "z", "1.0f"),
    "0",
    "    T_@ q = fma(u, K_@(1.81695545f), K_@(-0.300545871f));\n"
    NEXT("q", "u", "0.0842413977f") NEXT("q", "u", "0.0273206793f") NEXT("q", "u", "0.0280923638f")
    NEXT("q", "u", "0.0498674512f") NEXT("q", "u", "0.398942292f"))
    "#define BESSEL0_@(x)\n";
static const char bessel0_f64[] = BESSEL("bessel0", "",
    "    T_@ p = fma(z, K_@(3.6454386812677436e-27), K_@(4.9406702825425718e-25));\n"
    NEXT("p", "z", "1.35095827969477e-22") NEXT("p", "z", "2.5698743857514957e-20")
    NEXT("p", "z", "4.3600362269175774e-18") NEXT("p", "z", "6.275862820937522e-16")
    NEXT("p", "z", "7.5940799502794689e-14") NEXT("p", "z", "7.5940568466991736e-12")
    NEXT("p", "z", "6.1511874131776677e-10") NEXT("p", "z", "3.9367598856735812e-08")
    NEXT("p", "z", "1.9290123457790406e-06") NEXT("p", "z", "6.9444444444243989e-05")
    NEXT("p", "z", "0.0017361111111113758") NEXT("p", "z", "0.027777777777777565")
    NEXT("p", "z", "0.25000000000000011") NEXT("p", "z", "1.0") NEXT("p", "z", "1.0"),
    "0.0625",
    "    T_@ q = fma(u, K_@(33678142630566788.0), K_@(681896256503434.38));\n"
    NEXT("q", "u", "-903532373518784.5") NEXT("q", "u", "-20764144459290.18") NEXT("q", "u", "11325144934060.879")
    NEXT("q", "u", "322435133186.99896") NEXT("q", "u", "-89434443965.431488") NEXT("q", "u", "-3595402500.051177")
    NEXT("q", "u", "489255960.52653772") NEXT("q", "u", "32981259.497817814") NEXT("q", "u", "-1453119.6003056539")
    NEXT("q", "u", "-234324.37490496508") NEXT("q", "u", "-7483.2542310168546")
    NEXT("q", "u", "517.62165318774169") NEXT("q", "u", "92.585798723064556") NEXT("q", "u", "10.557369375253966")
    NEXT("q", "u", "1.4885005442743167") NEXT("q", "u", "0.31180410408432468")
    NEXT("q", "u", "0.097245435416392342") NEXT("q", "u", "0.045641866455382762")
    NEXT("q", "u", "0.034871315044319215") NEXT("q", "u", "0.053768831738683576")
    NEXT("q", "u", "0.4021765094450081"))
    "#define BESSEL0_@(x)\n";
static const char bessel1_f32[] = BESSEL("bessel1", "a * ",
    "    T_@ p = fma(z, K_@(6.66779254e-15f), K_@(2.44807375e-13f));\n"
    NEXT("p", "z", "3.72121049e-11f") NEXT("p", "z", "2.41880516e-09f") NEXT("p", "z", "1.38149986e-07f")
    NEXT("p", "z", "5.78501385e-06f") NEXT("p", "z", "0.0001736181f") NEXT("p", "z", "0.00347220805f")
    NEXT("p", "z", "0.0416666828f") NEXT("p", "z", "0.25f") NEXT("p", "z", "0.5f"),
    "0",
    "    T_@ q = fma(u, K_@(-2.04891729f), K_@(0.326311052f));\n"
    NEXT("q", "u", "-0.101634018f") NEXT("q", "u", "-0.0387871526f") NEXT("q", "u", "-0.0467976481f")
    NEXT("q", "u", "-0.149602979f") NEXT("q", "u", "0.398942292f"))
    "#define BESSEL1_@(x)\n";
static const char bessel1_f64[] = BESSEL("bessel1", "a * ",
    "    T_@ p = fma(z, K_@(1.0451756649154198e-28), K_@(1.5795348772797387e-26));\n"
    NEXT("p", "z", "4.4819033045006022e-24") NEXT("p", "z", "9.1857843284561856e-22")
    NEXT("p", "z", "1.6767521603667608e-19") NEXT("p", "z", "2.61497440972266e-17")
    NEXT("p", "z", "3.451850596478968e-15") NEXT("p", "z", "3.7970287838556324e-13")
    NEXT("p", "z", "3.4173263161547663e-11") NEXT("p", "z", "2.4604749297701531e-09")
    NEXT("p", "z", "1.3778659612264924e-07") NEXT("p", "z", "5.7870370370315869e-06")
    NEXT("p", "z", "0.0001736111111111183") NEXT("p", "z", "0.0034722222222222164")
    NEXT("p", "z", "0.041666666666666671") NEXT("p", "z", "0.25") NEXT("p", "z", "0.5"),
    "0.0625",
    "    T_@ q = fma(u, K_@(-35061211697476260.0), K_@(-632077794743207.38));\n"
    NEXT("q", "u", "941834474944389.12") NEXT("q", "u", "19510320690292.805") NEXT("q", "u", "-11835271573241.229")
    NEXT("q", "u", "-309200717021.36591") NEXT("q", "u", "93968015022.446274") NEXT("q", "u", "3541474601.1288962")
    NEXT("q", "u", "-520437715.21618438") NEXT("q", "u", "-33473163.367933355") NEXT("q", "u", "1610790.523762753")
    NEXT("q", "u", "245457.17660523331") NEXT("q", "u", "7471.2623140534779") NEXT("q", "u", "-577.74710116431618")
    NEXT("q", "u", "-100.42789465617862") NEXT("q", "u", "-11.578242812796129")
    NEXT("q", "u", "-1.6779263892080487") NEXT("q", "u", "-0.36530847181659992")
    NEXT("q", "u", "-0.12025267185034541") NEXT("q", "u", "-0.061597889377379249")
    NEXT("q", "u", "-0.056124355541460225") NEXT("q", "u", "-0.15599323509176974")
    NEXT("q", "u", "0.38939845902587233"))
    "#define BESSEL1_@(x)\n";

// By halves: exp(a) is no number where I0 still is one.
#define WHOLE(name, n, sign, far)                                                                  \
    FN1(name, "    T_@ a = fabs(x);\n    a = SEL_@(a > K_@(" far "), K_@(" far "), a);\n"        \
              "    const T_@ e = exp_@(SEL_@(a > K_@(8), a * K_@(0.5f), K_@(0)));\n"              \
              "    const T_@ y = NAME(bessel" n "_@)(a) * e * e;\n    return " sign ";\n")
#define SCALED(name, n, sign)                                                                      \
    FN1(name, "    const T_@ a = fabs(x), e = exp_@(SEL_@(a > K_@(8), K_@(0), -a)), y = NAME(bessel" n "_@)(a) * e;\n" \
              "    return " sign ";\n")
static const char i0_f32[] = WHOLE("i0", "0", "y", "100") "#define H_I0_@(a) NAME(i0_@)(a)\n";
static const char i0_f64[] = WHOLE("i0", "0", "y", "720") "#define H_I0_@(a) NAME(i0_@)(a)\n";
static const char i1_f32[] = WHOLE("i1", "1", "copysign(y, x)", "100") "#define H_I1_@(a) NAME(i1_@)(a)\n";
static const char i1_f64[] = WHOLE("i1", "1", "copysign(y, x)", "720") "#define H_I1_@(a) NAME(i1_@)(a)\n";
static const char i0e[] = SCALED("i0e", "0", "y") "#define H_I0E_@(a) NAME(i0e_@)(a)\n";
static const char i1e[] = SCALED("i1e", "1", "copysign(y, x)") "#define H_I1E_@(a) NAME(i1e_@)(a)\n";

// exp(-|x|) (I0 - I1), of which far out little is left: there it has a polynomial of its own
#define GAP(centre, large)                                                                         \
    FN1("bessel_gap",                                                                              \
        "    const T_@ a = fabs(x), v = K_@(1) / a, u = v - K_@(" centre ");\n" large             \
        "    const T_@ e = exp_@(-a), y = (NAME(bessel0_@)(a) - NAME(bessel1_@)(a)) * e;\n"       \
        "    return SEL_@(a > K_@(8), q * v / sqrt(a), y);\n")                                    \
    "#define H_BESSEL_GAP_@(a) NAME(bessel_gap_@)(a)\n"
static const char gap_f32[] = GAP("0",
    "    T_@ q = fma(u, K_@(62.3274612f), K_@(-11.9727888f));\n"
    NEXT("q", "u", "1.83121717f") NEXT("q", "u", "0.133950517f") NEXT("q", "u", "0.104065448f")
    NEXT("q", "u", "0.0701027215f") NEXT("q", "u", "0.0748018026f") NEXT("q", "u", "0.199471146f"));
static const char gap_f64[] = GAP("0.0625",
    "    T_@ q = fma(u, K_@(-6.4578845532306997e+19), K_@(-7.3860916396814152e+18));\n"
    NEXT("q", "u", "1.8564377223703178e+18") NEXT("q", "u", "2.1110519823399046e+17")
    NEXT("q", "u", "-24696207166193808.0") NEXT("q", "u", "-2845261551600071.0")
    NEXT("q", "u", "202167730482023.06") NEXT("q", "u", "24807861562029.934") NEXT("q", "u", "-1108600849824.5166")
    NEXT("q", "u", "-164530179116.1347") NEXT("q", "u", "3448300401.4438729") NEXT("q", "u", "910341688.52927232")
    NEXT("q", "u", "9429673.8127614483") NEXT("q", "u", "-3828983.7622566251")
    NEXT("q", "u", "-240893.65542922253") NEXT("q", "u", "272.34871845106414") NEXT("q", "u", "1079.2153092660978")
    NEXT("q", "u", "125.46082324019343") NEXT("q", "u", "14.29357809419774") NEXT("q", "u", "2.273112144690443")
    NEXT("q", "u", "0.53504336888434401") NEXT("q", "u", "0.18405789150471186")
    NEXT("q", "u", "0.095736137559527257") NEXT("q", "u", "0.085012161988546886")
    NEXT("q", "u", "0.20444880670617194"));

// Half of erfc(-x / sqrt(2)). What rounding the argument does to it is known: see gelu.
#define NDTR(root, low)                                                                            \
    FN1("ndtr",                                                                                    \
        "    T_@ a = SEL_@(x > K_@(40), K_@(40), x);\n    a = SEL_@(a < K_@(-40), K_@(-40), a);\n" \
        "    const T_@ t = a * K_@(-" root "), d = fma(a, K_@(-" root "), -t) + a * K_@(" low ");\n" \
        "    const T_@ p = erfc_@(t) * K_@(0.5f), s = t + sqrt(fma(t, t, K_@(1.5f)));\n"         \
        "    const T_@ f = SEL_@(t > K_@(0), d * s, K_@(0));\n"                                   \
        "    return fma(-p, f, p);\n") "#define H_NDTR_@(a) NAME(ndtr_@)(a)\n"
static const char ndtr_f32[] = NDTR("0.707106769f", "-1.21016175e-8f");
static const char ndtr_f64[] = NDTR("0.7071067811865476", "4.833646656726457e-17");

// exp(x^2) erfc(x) of x >= 0: r P(r), r = 1 / (x + 2)
static const char erfcx_f32[] =
    "static inline T_@ NAME(erfcx_@)(T_@ x)\n{\n    const T_@ r = K_@(1) / (x + K_@(2)), u = r - K_@(0.25f);\n"
    "    T_@ p = fma(u, K_@(-16.5870819f), K_@(88.2646713f));\n"
    NEXT("p", "u", "-16.3307514f") NEXT("p", "u", "-39.2166977f") NEXT("p", "u", "13.9328585f")
    NEXT("p", "u", "12.5255461f") NEXT("p", "u", "-6.63766193f") NEXT("p", "u", "-5.50480366f")
    NEXT("p", "u", "2.33231831f") NEXT("p", "u", "4.47154331f") NEXT("p", "u", "2.74864268f")
    NEXT("p", "u", "1.02158272f")
    "    return r * p;\n}\n#define ERFCX_@(x)\n";
static const char erfcx_f64[] =
    "static inline T_@ NAME(erfcx_@)(T_@ x)\n{\n    const T_@ r = K_@(1) / (x + K_@(2)), u = r - K_@(0.25);\n"
    "    T_@ p = fma(u, K_@(11318335.498661837), K_@(-2418367.8971249922));\n"
    NEXT("p", "u", "-5673306.1772022005") NEXT("p", "u", "1873192.1769743245") NEXT("p", "u", "1055383.5044027986")
    NEXT("p", "u", "-614987.61896368163") NEXT("p", "u", "-7230.3289077366935")
    NEXT("p", "u", "98451.810153762694") NEXT("p", "u", "-39010.717232438124")
    NEXT("p", "u", "-486.98596141867978") NEXT("p", "u", "8587.194870850748") NEXT("p", "u", "-3897.14643454814")
    NEXT("p", "u", "-301.82975912241727") NEXT("p", "u", "1081.4921173354144")
    NEXT("p", "u", "-364.00740954156987") NEXT("p", "u", "-143.22491424413005")
    NEXT("p", "u", "151.48860959693224") NEXT("p", "u", "-9.0103297656928572")
    NEXT("p", "u", "-43.455185490667539") NEXT("p", "u", "13.718259116206323") NEXT("p", "u", "12.659146994943736")
    NEXT("p", "u", "-6.6346855109734699") NEXT("p", "u", "-5.506729443708525") NEXT("p", "u", "2.3323028164430615")
    NEXT("p", "u", "4.4715534808968753") NEXT("p", "u", "2.7486427376552407") NEXT("p", "u", "1.021582705242023")
    "    return r * p;\n}\n#define ERFCX_@(x)\n";

// Left of 0 log(exp(t^2) erfc(t) / 2) - t^2 with t = -x / sqrt(2), right of it log(1 - erfc(-t) / 2). What rounding the
// square does to the exponential is known.
static const char log_ndtr[] =
    FN1("log_ndtr",
        "    const T_@ a = fabs(x), e = NAME(erfcx_@)(a * K_@(0.7071067811865476)) * K_@(0.5f);\n"
        "    const T_@ b = SEL_@(a > K_@(40), K_@(40), a), h = b * K_@(0.5f), q = h * b, p = e * exp_@(-q);\n"
        "    const T_@ left = log_@(e) - a * K_@(0.5f) * a, right = log1p_@(fma(p, fma(h, b, -q), -p));\n"
        "    return SEL_@(x < K_@(0), left, right);\n")
    "#define H_LOG_NDTR_@(a) NAME(log_ndtr_@)(a)\n";
// Its derivative: the density over the distribution
static const char d_log_ndtr[] =
    FN1("d_log_ndtr",
        "    const T_@ a = fabs(x), e = NAME(erfcx_@)(a * K_@(0.7071067811865476)), d = exp_@(K_@(-0.5f) * a * a);\n"
        "    return K_@(0.7978845608028654) * SEL_@(x < K_@(0), K_@(1) / e, d / (K_@(2) - e * d));\n")
    "#define H_D_LOG_NDTR_@(a) NAME(d_log_ndtr_@)(a)\n";
// x + the derivative, by a polynomial of r left of 0, where they cancel
#define NDTR_SUM(tail)                                                                             \
    FN1("ndtr_sum",                                                                                \
        "    const T_@ r = K_@(1) / fma(fabs(x), K_@(0.7071067811865476), K_@(2)), u = r - K_@(0.25f);\n" tail \
        "    return SEL_@(x < K_@(0), K_@(1.4142135623730951) * r * q, x + NAME(d_log_ndtr_@)(x));\n") \
    "#define H_NDTR_SUM_@(a) NAME(ndtr_sum_@)(a)\n"
static const char ndtr_sum_f32[] = NDTR_SUM(
    "    T_@ q = fma(u, K_@(-1535.77356f), K_@(-387.785217f));\n"
    NEXT("q", "u", "613.842041f") NEXT("q", "u", "99.0279617f") NEXT("q", "u", "-142.129654f")
    NEXT("q", "u", "-10.253911f") NEXT("q", "u", "27.9658718f") NEXT("q", "u", "0.568943202f")
    NEXT("q", "u", "-5.76552439f") NEXT("q", "u", "-0.367876112f") NEXT("q", "u", "1.5346595f")
    NEXT("q", "u", "0.836321533f"));
static const char ndtr_sum_f64[] = NDTR_SUM(
    "    T_@ q = fma(u, K_@(122934115.10324718), K_@(23405733.043910798));\n"
    NEXT("q", "u", "-92911617.761950552") NEXT("q", "u", "4207829.5393120795") NEXT("q", "u", "29926074.75334885")
    NEXT("q", "u", "-8059964.2533248346") NEXT("q", "u", "-4727266.3904585186")
    NEXT("q", "u", "3082144.6497141933") NEXT("q", "u", "28532.94897130039") NEXT("q", "u", "-640825.9716927103")
    NEXT("q", "u", "186623.84602893546") NEXT("q", "u", "75119.228658817505") NEXT("q", "u", "-56448.633712077855")
    NEXT("q", "u", "-344.33031599711632") NEXT("q", "u", "10649.369940639743")
    NEXT("q", "u", "-2223.9010993547067") NEXT("q", "u", "-1496.6765037714551")
    NEXT("q", "u", "671.84165368602362") NEXT("q", "u", "160.33822957289098") NEXT("q", "u", "-144.1026945174743")
    NEXT("q", "u", "-12.015792488110479") NEXT("q", "u", "27.99528655118732") NEXT("q", "u", "0.59314372105288027")
    NEXT("q", "u", "-5.7656828210137538") NEXT("q", "u", "-0.36800173607789277")
    NEXT("q", "u", "1.5346596753228916") NEXT("q", "u", "0.83632161198882837"));

const clg__piece clg__math_special[] = {
    { "BESSEL0", CLG__BOTH, "K SEL", bessel0_f32, bessel0_f64 },
    { "BESSEL1", CLG__BOTH, "K SEL", bessel1_f32, bessel1_f64 },
    { "H_I0", CLG__BOTH, "BESSEL0 exp", i0_f32, i0_f64 },
    { "H_I0E", CLG__BOTH, "BESSEL0 exp", i0e, i0e },
    { "H_I1", CLG__BOTH, "BESSEL1 exp", i1_f32, i1_f64 },
    { "H_I1E", CLG__BOTH, "BESSEL1 exp", i1e, i1e },
    { "H_BESSEL_GAP", CLG__BOTH, "BESSEL0 BESSEL1 exp", gap_f32, gap_f64 },
    { "H_NDTR", CLG__BOTH, "K SEL erfc", ndtr_f32, ndtr_f64 },
    { "ERFCX", CLG__BOTH, "K", erfcx_f32, erfcx_f64 },
    { "H_LOG_NDTR", CLG__BOTH, "ERFCX SEL exp log log1p", log_ndtr, log_ndtr },
    { "H_D_LOG_NDTR", CLG__BOTH, "ERFCX SEL exp", d_log_ndtr, d_log_ndtr },
    { "H_NDTR_SUM", CLG__BOTH, "H_D_LOG_NDTR", ndtr_sum_f32, ndtr_sum_f64 },
    { NULL, 0, NULL, NULL, NULL },
};
