"""The programs of the raster renderer, in GLSL; what a picture does not ask for is not in them.

Light: the microfacet model of Cook and Torrance (1982) with the distribution GGX of Walter et al.
(2007), in the form of Zioma ("Optimizing PBR for Mobile", SIGGRAPH 2015), whose visibility is that
of Kelemen and Szirmay-Kalos (2001) and needs neither a square root nor a power. What is not a lamp
is a sky above and a ground below; its mirror image is weighted by Schlick's Fresnel term (1994),
which roughness dampens (Lagarde, "Adopting a physically based shading model", 2011).

Shading happens in the axes of the key lamp (z towards it, x horizontal): then the lamp and the
point in its shadow map cost next to nothing. A software rasteriser pays for every number that a
fragment reads from a uniform.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from simenv.render.renderer import Channel

__all__ = ["LampKind", "Variant", "depth_sources", "resolve_sources", "sources"]

VERSION = "#version 430 core\n"
SEARCH_TAPS, FILTER_TAPS = 8, 16  # of soft shadows: for what blocks, and for how much of it
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))

LampKind = Literal["bare", "hard", "soft"]  # no shadow, a sharp one, one with a penumbra


@dataclass(frozen=True)
class Variant:
    """What a program writes, and which lamps it knows; the first is the key."""

    labels: bool  # depth and instance
    channels: frozenset[Channel] = frozenset()
    color: bool = True
    lamps: tuple[LampKind, ...] = ()

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the pictures that it writes, in the order of their attachments."""
        names = {
            "rgba": self.color,
            "depth": self.labels,
            "instance": self.labels,
            "normals": "normals" in self.channels,
            "coordinates": "coordinates" in self.channels,
        }
        return tuple(name for name, written in names.items() if written)


FRAME = """
struct Lamp {
    vec4 x, y, z;  // its axes in those of the key, z towards it; x.w: share that a shadow takes
    vec4 radiance;  // linear RGB; w: tangent of its angular radius
    vec4 scale, offset;  // its axes -> u, v, depth of its map; offset.w: metres a texel
};
layout(std140, binding = 0) uniform Frame {
    mat4 clip_from_stage;
    mat4 camera_from_stage;
    mat4 key_from_stage;  // origin at the eye
    vec4 ambient;  // linear RGB; w: metres that shadow look-ups keep off a surface
    vec4 up;  // of the world, in the axes of the key; x is 0
    Lamp lamps[LAMPS];
};
"""

VERTEX = """
in vec3 in_position;
in vec3 in_normal;
in vec2 in_uv;
in vec4 in_x, in_y, in_z;  // rows of the pose of the body on the stage
in vec4 in_paint;  // linear RGB, roughness
in vec2 in_tag;  // metallic, id
invariant gl_Position;
flat out vec2 tag;
#if COLOR
out vec4 normal_u, point_v;  // normal and point in the axes of the key, with a uv
flat out vec4 paint;
#endif
#if NORMALS
out vec3 normal_C;
#endif
#if COORDINATES
out vec3 p_B;
#endif

void main() {
    vec4 at_B = vec4(in_position, 1.0);
    vec4 at_S = vec4(dot(in_x, at_B), dot(in_y, at_B), dot(in_z, at_B), 1.0);
    gl_Position = clip_from_stage * at_S;
    tag = in_tag;
#if COLOR || NORMALS
    vec3 normal_S = vec3(
        dot(in_x.xyz, in_normal), dot(in_y.xyz, in_normal), dot(in_z.xyz, in_normal)
    );
#endif
#if COLOR
    normal_u = vec4(mat3(key_from_stage) * normal_S, in_uv.x);
    point_v = vec4((key_from_stage * at_S).xyz + ambient.w * normal_u.xyz, in_uv.y);
    paint = in_paint;
#endif
#if NORMALS
    normal_C = mat3(camera_from_stage) * normal_S;
#endif
#if COORDINATES
    p_B = in_position;
#endif
}
"""

SHADING = """
in vec4 normal_u, point_v;
flat in vec4 paint;
uniform sampler2D image;  // square root of linear RGB

// A cubic in the square root: within 0.6 of 255 grey levels of IEC 61966-2-1 above level 5.
vec3 srgb(vec3 linear) {
    vec3 s = sqrt(linear);
    return -0.03196 + s * (1.35377 + s * (-0.52473 + s * 0.20292));
}

float hard(sampler2DShadow map, vec3 p, int k) {
    vec3 at = p * lamps[k].scale.xyz + lamps[k].offset.xyz;
    return texture(map, vec3(at.xy, min(at.z, 1.0)));
}

#if SOFT
const vec2 SEARCH[SEARCH_TAPS] = vec2[](SEARCH_DISC);
const vec2 FILTER[FILTER_TAPS] = vec2[](FILTER_DISC);

const float EMPTY = 0.99999;  // a map holds 1 where there is nothing

// Percentage-closer soft shadows (Fernando, SIGGRAPH 2005) of a far lamp: the penumbra is as wide
// as the lamp's angle times the gap between what blocks and what is shaded. The disc of samples is
// turned from pixel to pixel by interleaved gradient noise (Jimenez, SIGGRAPH 2014).
float soft(sampler2D map, vec3 p, vec3 n, int k) {
    vec3 scale = lamps[k].scale.xyz, at = p * scale + lamps[k].offset.xyz;
    float texel = lamps[k].offset.w, tangent = lamps[k].radiance.w;
    vec2 slope = clamp(n.xy / max(n.z, 0.1), -4.0, 4.0) * -scale.z;  // depth across the surface
    float noise = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    float turn = 6.2831853 * noise, c = cos(turn), s = sin(turn);
    mat2 rotation = mat2(c, s, -s, c);
    float reach = max(tangent * at.z / -scale.z, texel), found = 0.0, depth = 0.0;
    for (int i = 0; i < SEARCH_TAPS; ++i) {
        vec2 step_m = rotation * SEARCH[i] * reach;
        float there = textureLod(map, at.xy + step_m * scale.xy, 0.0).r;
        float blocks = float(there < min(at.z + dot(slope, step_m), EMPTY));
        found += blocks;
        depth += blocks * there;
    }
    if (found == 0.0) return 1.0;
    float radius = max(tangent * (at.z - depth / found) / -scale.z, texel), lit = 0.0;
    for (int i = 0; i < FILTER_TAPS; ++i) {
        vec2 step_m = rotation * FILTER[i] * radius;
        float there = textureLod(map, at.xy + step_m * scale.xy, 0.0).r;
        lit += float(there >= min(at.z + dot(slope, step_m), EMPTY));
    }
    return lit / float(FILTER_TAPS);
}
#endif

// What a lamp at nl = n.l, lv = l.v sends to the eye from a surface of specular colour 1.
float gloss(float nl, float lv, float nv, float rough, float a2) {
    float hh = 2.0 + 2.0 * lv, nh = nl + nv;  // of h = l + v, not normalised
    float d = nh * nh * (a2 - 1.0) + hh;
    return a2 * hh / (d * d * (rough + 0.5));
}

vec3 shade() {
    vec3 n = normalize(normal_u.xyz), v = -normalize(point_v.xyz);
    vec3 base = texture(image, vec2(normal_u.w, point_v.w)).rgb;
    base *= base * paint.rgb;
    float metallic = tag.x, rough = paint.a, a2 = rough * rough;
    a2 *= a2;
    float nv = max(dot(n, v), 0.02), nu = dot(n.yz, up.yz), vu = dot(v.yz, up.yz);
    float f = 1.0 - nv;
    f *= f;
    f *= f * (1.0 - rough);
    float mirrored = MIRROR + (2.0 * nv * nu - vu) * MIRROR_SLOPE;
    vec3 spread = ambient.rgb * (SKY + nu * SKY_SLOPE);
    vec3 glossy = ambient.rgb * (mirrored - mirrored * f);
    float nl, lit;
    vec3 n_k;
@LAMPS@
    vec3 f0 = 0.04 + metallic * (base - 0.04);
    vec3 light = base * (1.0 - metallic) * spread + f0 * glossy + ambient.rgb * (mirrored * f);
    return srgb(min(light, vec3(1.0)));
}
"""

FRAGMENT = """
flat in vec2 tag;
#if COLOR
@SHADING@
layout(location = AT_RGBA) out vec4 rgba;
#endif
#if LABELS
layout(location = AT_DEPTH) out float depth;
layout(location = AT_INSTANCE) out uint instance;
#endif
#if NORMALS
in vec3 normal_C;
layout(location = AT_NORMALS) out vec4 normals;
#endif
#if COORDINATES
in vec3 p_B;
layout(location = AT_COORDINATES) out vec4 coordinates;
#endif

void main() {
#if COLOR
    rgba = vec4(shade(), 1.0);
#endif
#if LABELS
    depth = 1.0 / gl_FragCoord.w;  // w of clip space is z of the camera
    instance = uint(tag.y);
#endif
#if NORMALS
    normals = vec4(normalize(normal_C), 1.0);
#endif
#if COORDINATES
    coordinates = tag.y == 0.0 ? vec4(0.0) : vec4(p_B, 1.0);
#endif
}
"""

DEPTH_VERTEX = """
in vec3 in_position;
in vec4 in_x, in_y, in_z;
uniform mat4 clip_from_stage;
void main() {
    vec4 at_B = vec4(in_position, 1.0);
    gl_Position = clip_from_stage * vec4(dot(in_x, at_B), dot(in_y, at_B), dot(in_z, at_B), 1.0);
}
"""

RESOLVE_VERTEX = """
void main() {  // one triangle that covers the picture
    gl_Position = vec4(4.0 * (gl_VertexID & 1) - 1.0, 2.0 * (gl_VertexID & 2) - 1.0, 0.0, 1.0);
}
"""

# The mean light of the covered samples, and in alpha how many of all they are.
RESOLVE_FRAGMENT = """
uniform sampler2D fine;
layout(location = 0) out vec4 rgba;
void main() {
    ivec2 corner = ivec2(gl_FragCoord.xy) * SUPERSAMPLE;
    vec4 sum = vec4(0.0);
    for (int y = 0; y < SUPERSAMPLE; ++y)
        for (int x = 0; x < SUPERSAMPLE; ++x) {
            vec4 seen = texelFetch(fine, corner + ivec2(x, y), 0);
            vec3 curved = pow((seen.rgb + 0.055) / 1.055, vec3(2.4));
            vec3 linear = mix(curved, seen.rgb / 12.92, lessThan(seen.rgb, vec3(0.04045)));
            sum += seen.a * vec4(linear, 1.0);
        }
    vec3 mean = sum.rgb / max(sum.a, 1.0);
    vec3 curved = 1.055 * pow(mean, vec3(1.0 / 2.4)) - 0.055;
    vec3 color = mix(curved, 12.92 * mean, lessThan(mean, vec3(0.0031308)));
    rgba = vec4(color, sum.a / float(SUPERSAMPLE * SUPERSAMPLE));
}
"""

# Level of the surroundings sideways, and how much more straight up: as matt surfaces gather it, and
# as a mirror shows it, which would look dull before an even grey.
SKY, SKY_SLOPE = 0.8, 0.2
MIRROR, MIRROR_SLOPE = 1.0, 0.7


def sources(variant: Variant) -> tuple[str, str]:
    """Vertex and fragment shader of ``variant``."""
    head = VERSION + _defines(
        COLOR=int(variant.color),
        LABELS=int(variant.labels),
        NORMALS=int("normals" in variant.channels),
        COORDINATES=int("coordinates" in variant.channels),
        SOFT=int("soft" in variant.lamps),
        LAMPS=max(len(variant.lamps), 1),
        SKY=SKY,
        SKY_SLOPE=SKY_SLOPE,
        MIRROR=MIRROR,
        MIRROR_SLOPE=MIRROR_SLOPE,
        SEARCH_TAPS=SEARCH_TAPS,
        FILTER_TAPS=FILTER_TAPS,
        SEARCH_DISC=_disc(SEARCH_TAPS),
        FILTER_DISC=_disc(FILTER_TAPS),
        **{f"AT_{name.upper()}": k for k, name in enumerate(variant.pictures)},
    )
    shading = _maps(variant) + SHADING.replace("@LAMPS@", _lamps(variant))
    return head + FRAME + VERTEX, head + FRAME + FRAGMENT.replace("@SHADING@", shading)


def depth_sources() -> tuple[str, str]:
    """Vertex and fragment shader of a shadow map."""
    return VERSION + DEPTH_VERTEX, VERSION + "void main() {}\n"


def resolve_sources(supersample: int) -> tuple[str, str]:
    """Vertex and fragment shader that average blocks of ``supersample`` x ``supersample``."""
    head = VERSION + _defines(SUPERSAMPLE=supersample)
    return VERSION + RESOLVE_VERTEX, head + RESOLVE_FRAGMENT


def _defines(**values: object) -> str:
    return "".join(f"#define {name} {value}\n" for name, value in values.items())


def _disc(taps: int) -> str:
    """Points spread evenly over the unit disc: a sunflower (Vogel 1979)."""
    polar = [(math.sqrt((i + 0.5) / taps), i * GOLDEN_ANGLE) for i in range(taps)]
    return ", ".join(f"vec2({r * math.cos(a):.6f}, {r * math.sin(a):.6f})" for r, a in polar)


def _maps(variant: Variant) -> str:
    types = {"hard": "sampler2DShadow", "soft": "sampler2D"}
    return "".join(
        f"uniform {types[kind]} map_{k};\n" for k, kind in enumerate(variant.lamps) if kind in types
    )


def _lamps(variant: Variant) -> str:
    return "".join(_lamp(k, kind) for k, kind in enumerate(variant.lamps))


def _lamp(k: int, kind: LampKind) -> str:
    """What lamp ``k`` adds to ``spread`` and ``glossy``."""
    lines, point = ["n_k = n;"], "point_v.xyz"
    if k > 0:
        lines = [f"n_k = {_turned(k, 'n')};"]
        point = _turned(k, "point_v.xyz")
    lines.append("nl = max(n_k.z, 0.0);")
    lookup = {
        "bare": "",
        "hard": f"hard(map_{k}, {point}, {k})",
        "soft": f"soft(map_{k}, {point}, n_k, {k})",
    }[kind]
    if lookup:
        lines.append(f"nl *= 1.0 + lamps[{k}].x.w * ({lookup} - 1.0);")
    lv = "v.z" if k == 0 else f"dot(lamps[{k}].z.xyz, v)"
    gloss = f"gloss(max(n_k.z, 0.0), {lv}, nv, rough, a2)"
    lines.append(f"spread += lamps[{k}].radiance.rgb * nl;")
    lines.append(f"glossy += lamps[{k}].radiance.rgb * (nl * {gloss});")
    return "".join(f"    {line}\n" for line in lines)


def _turned(k: int, vector: str) -> str:
    dots = (f"dot(lamps[{k}].{axis}.xyz, {vector})" for axis in "xyz")
    return f"vec3({', '.join(dots)})"
