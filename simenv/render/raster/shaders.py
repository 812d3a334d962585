"""The programs of the raster renderer, in GLSL; what a picture does not ask for is not in them.

Light: the microfacet model of Cook and Torrance (1982) with the distribution GGX of Walter et al.
(2007), in the form of Zioma (2015, "Optimizing PBR for Mobile", SIGGRAPH), whose visibility is that
of Kelemen and Szirmay-Kalos (2001) and needs neither a square root nor a power. What is not a lamp
is a sky above and a ground below: its mirror image is scaled by the Fresnel term of Schlick (1994)
with roughness (Lagarde 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FRAME_BLOCK", "Variant", "depth_sources", "sources"]


@dataclass(frozen=True)
class Variant:
    """What a program writes, and which light it knows."""

    color: bool = True
    labels: bool = True
    normals: bool = False
    coordinates: bool = False
    lights: int = 0
    shadows: int = 0  # bit k: light k casts a shadow
    soft: int = 0  # bit k: ... whose edge is soft

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the pictures that it writes, in the order of their attachments."""
        flags = ("color", "labels", "labels", "normals", "coordinates")
        names = ("rgba", "depth", "instance", "normals", "coordinates")
        return tuple(n for n, flag in zip(names, flags, strict=True) if getattr(self, flag))


VERTEX = """
in vec3 in_position;
in vec3 in_normal;
in vec2 in_uv;
in vec4 in_x, in_y, in_z;  // rows of the pose of the body, in the frame of the stage
in vec4 in_paint;  // linear RGB, roughness
in vec2 in_tag;  // metallic, id
invariant gl_Position;

#if COLOR
out vec3 v_normal;
out vec3 v_point;
out vec2 v_uv;
flat out vec4 v_paint;
#endif
flat out vec2 v_tag;
#if NORMALS
out vec3 v_normal_C;
#endif
#if COORDINATES
out vec3 v_position;
#endif

void main() {
    vec4 p_B = vec4(in_position, 1.0);
    vec4 p_S = vec4(dot(in_x, p_B), dot(in_y, p_B), dot(in_z, p_B), 1.0);
    gl_Position = clip_from_stage * p_S;
    v_tag = in_tag;
#if COLOR || NORMALS
    vec3 n_S = vec3(
        dot(in_x.xyz, in_normal), dot(in_y.xyz, in_normal), dot(in_z.xyz, in_normal)
    );
#endif
#if COLOR
    v_normal = mat3(lamp_from_stage) * n_S;
    v_point = (lamp_from_stage * p_S).xyz + texel * v_normal;
    v_uv = in_uv;
    v_paint = in_paint;
#endif
#if NORMALS
    v_normal_C = mat3(camera_from_stage) * n_S;
#endif
#if COORDINATES
    v_position = in_position;
#endif
}
"""

FRAME_BLOCK = """
struct Lamp {
    vec4 direction;  // towards the lamp; w: how much its shadow takes away
    vec4 radiance;  // linear RGB; w: tangent of its angular radius
    vec4 shadow_u, shadow_v, shadow_z;  // rows: lamp frame -> its map
};
layout(std140, binding = 0) uniform Frame {
    mat4 clip_from_stage;
    mat4 camera_from_stage;
    mat4 lamp_from_stage;
    vec4 ambient;  // linear RGB
    vec4 key;
    vec4 shadow_scale, shadow_offset;
    vec2 up;
    float texel;
    Lamp lamps[LAMPS];
};
"""

FRAGMENT = """
flat in vec2 v_tag;
#if COLOR
in vec3 v_normal;
in vec3 v_point;
in vec2 v_uv;
flat in vec4 v_paint;
uniform sampler2D image;
layout(location = AT_RGBA) out vec4 rgba;
#endif
#if LABELS
layout(location = AT_DEPTH) out float depth_m;
layout(location = AT_INSTANCE) out uint instance;
#endif
#if NORMALS
in vec3 v_normal_C;
layout(location = AT_NORMALS) out vec4 normal;
#endif
#if COORDINATES
in vec3 v_position;
layout(location = AT_COORDINATES) out vec4 coordinates;
#endif
#if COLOR && SHADOWS
uniform sampler2DShadow shadow_map;
#endif

#if COLOR
vec3 srgb(vec3 linear) {
    vec3 s = sqrt(linear);
    return s * (1.44 + s * (-0.66 + s * 0.22));
}

float key_lit() {
#if SHADOWS
    vec3 at = v_point * shadow_scale.xyz + shadow_offset.xyz;
    return 1.0 + key.w * (texture(shadow_map, at) - 1.0);
#else
    return 1.0;
#endif
}

float gloss(float nl, float lv, float nv, float rough, float a2) {
    float hh = 2.0 + 2.0 * lv, nh = nl + nv;
    float d = nh * nh * (a2 - 1.0) + hh;
    return a2 * hh / (d * d * (rough + 0.5));
}

vec3 shade() {
    vec3 n = normalize(v_normal), v = -normalize(v_point);
    vec3 base = texture(image, v_uv).rgb;
    base *= base * v_paint.rgb;
    float metallic = v_tag.x;
    float rough = v_paint.a, a2 = rough * rough; a2 *= a2;
    float nv = max(dot(n, v), 0.02), nu = dot(n.yz, up), vu = dot(v.yz, up);
    float f = 1.0 - nv; f *= f; f *= f * (1.0 - rough);
    float e = 0.8 + (2.0 * nv * nu - vu) * 0.2;
    vec3 spread = ambient.rgb * (0.8 + nu * 0.2);
    vec3 glossy = ambient.rgb * (e - e * f);
    float nl = max(n.z, 0.0), reach = nl * key_lit();
    spread += key.rgb * reach;
    glossy += key.rgb * (reach * gloss(nl, v.z, nv, rough, a2));
    for (int k = 0; k < LIGHTS; ++k) {
        vec3 l = lamps[k].direction.xyz;
        nl = max(dot(n, l), 0.0);
        reach = nl;
        spread += lamps[k].radiance.rgb * reach;
        glossy += lamps[k].radiance.rgb * (reach * gloss(nl, dot(l, v), nv, rough, a2));
    }
    vec3 f0 = 0.04 + metallic * (base - 0.04);
    vec3 light = base * (1.0 - metallic) * spread + f0 * glossy + ambient.rgb * (e * f);
    return srgb(min(light, vec3(1.0)));
}
#endif

void main() {
#if COLOR
    rgba = vec4(shade(), 1.0);
#endif
#if LABELS
    depth_m = 1.0 / gl_FragCoord.w;
    instance = uint(v_tag.y);
#endif
#if NORMALS
    normal = vec4(normalize(v_normal_C), 1.0);
#endif
#if COORDINATES
    coordinates = v_tag.y == 0.0 ? vec4(0.0) : vec4(v_position, 1.0);
#endif
}
"""

DEPTH_VERTEX = """
in vec3 in_position;
in vec4 in_x, in_y, in_z;
uniform mat4 light_from_stage;
void main() {
    vec4 p_B = vec4(in_position, 1.0);
    gl_Position = light_from_stage * vec4(dot(in_x, p_B), dot(in_y, p_B), dot(in_z, p_B), 1.0);
}
"""


def sources(variant: Variant) -> tuple[str, str]:
    """Vertex and fragment shader of ``variant``."""
    places = {f"AT_{name.upper()}": k for k, name in enumerate(variant.outputs)}
    flags = {
        "COLOR": int(variant.color),
        "LABELS": int(variant.labels),
        "NORMALS": int(variant.normals),
        "COORDINATES": int(variant.coordinates),
        "LIGHTS": variant.lights,
        "LAMPS": max(variant.lights, 1),
        "SHADOWS": variant.shadows,
        "SOFT": variant.soft,
        **places,
    }
    head = "#version 430 core\n" + "".join(f"#define {k} {v}\n" for k, v in flags.items())
    head += FRAME_BLOCK
    return head + VERTEX, head + FRAGMENT


def depth_sources() -> tuple[str, str]:
    """Vertex and fragment shader of a shadow map."""
    head = "#version 430 core\n"
    return head + DEPTH_VERTEX, head + "void main() {}\n"
