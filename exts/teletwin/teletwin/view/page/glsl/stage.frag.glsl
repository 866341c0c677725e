// Table, floor and backdrop, traced ray by ray.
uniform vec3 eye;
uniform mat3 view_to_base;
uniform vec2 tangent;         // half picture over distance, x and y
uniform vec2 size;            // pixels
uniform mat4 clip_from_base;
uniform vec3 light;
uniform vec3 table_centre;
uniform vec3 table_half;
uniform float floor_z;
out vec4 colour;

uniform int grid;             // grid x grid rays a pixel

// Distance along a ray to an axis-parallel box, and the face's normal; negative when it misses.
float hit_box(vec3 origin, vec3 ray, vec3 half_size, out vec3 normal) {
    vec3 inverse = 1.0 / ray;
    vec3 middle = -origin * inverse, reach = abs(inverse) * half_size;
    vec3 enter = middle - reach, leave = middle + reach;
    float first = max(max(enter.x, enter.y), enter.z), last = min(min(leave.x, leave.y), leave.z);
    normal = -sign(ray) * step(enter.yzx, enter.xyz) * step(enter.zxy, enter.xyz);
    return first < last ? first : -1.0;
}

float line_at(float coordinate, float spacing, float width) {
    float away = abs(fract(coordinate / spacing + 0.5) - 0.5) * spacing;
    return 1.0 - smoothstep(0.35 * width, 0.65 * width, away);
}

float box_distance(vec2 point, vec2 half_size) {
    vec2 q = abs(point) - half_size;
    return length(max(q, 0.0)) + min(max(q.x, q.y), 0.0);
}

vec3 backdrop(vec3 ray) {
    float height = clamp(ray.z * 1.6 + 0.62, 0.0, 1.0);
    vec3 low = vec3(0.030, 0.037, 0.048), high = vec3(0.010, 0.013, 0.018);
    return mix(low, high, height);
}

vec3 table_colour(vec3 point, vec3 normal) {
    vec3 base = vec3(0.115, 0.132, 0.152);
    if (normal.z < 0.5) return base * (0.25 + 0.35 * max(dot(normal, light), 0.0));
    vec2 p = point.xy;
    float fine = max(line_at(p.x, 0.05, 0.0012), line_at(p.y, 0.05, 0.0012));
    float coarse = max(line_at(p.x, 0.25, 0.0022), line_at(p.y, 0.25, 0.0022));
    float edge = -box_distance(p - table_centre.xy, table_half.xy);
    float bevel = 1.0 - smoothstep(0.0, 0.005, edge);
    float inside = smoothstep(0.0, 0.012, edge);
    base *= 1.0 + inside * (0.20 * fine + 0.38 * coarse);
    float pool = exp(-dot(p - vec2(-0.24, -0.03), p - vec2(-0.24, -0.03)) / 0.42);
    float foot = 1.0 - 0.62 * exp(-max(length(p) - 0.062, 0.0) / 0.028);
    return base * (0.62 + 0.72 * pool) * foot + 0.10 * bevel * vec3(0.75, 0.85, 1.0);
}

vec3 floor_colour(vec3 point, vec3 ray, float along) {
    vec3 base = vec3(0.030, 0.035, 0.043);
    float lines = max(line_at(point.x, 0.5, 0.006), line_at(point.y, 0.5, 0.006));
    vec2 below = point.xy - table_centre.xy - light.xy / light.z * floor_z * 0.6;
    float shade = 1.0 - 0.55 * exp(-max(box_distance(below, table_half.xy), 0.0) / 0.22);
    vec3 lit = base * (1.0 + 0.5 * lines) * shade;
    return mix(lit, backdrop(ray), 1.0 - exp(-max(along - 1.6, 0.0) * 0.42));
}

vec3 radiance(vec3 ray) {
    vec3 normal;
    float along = hit_box(eye - table_centre, ray, table_half, normal);
    if (along > 0.0) return table_colour(eye + along * ray, normal);
    if (ray.z < 0.0) {
        along = (floor_z - eye.z) / ray.z;
        return floor_colour(eye + along * ray, ray, along);
    }
    return backdrop(ray);
}

vec3 ray_through(vec2 pixel) {
    vec2 ndc = pixel / size * 2.0 - 1.0;
    return normalize(view_to_base * vec3(ndc.x * tangent.x, -ndc.y * tangent.y, -1.0));
}

float depth_of(vec3 ray) {
    vec3 normal;
    float along = hit_box(eye - table_centre, ray, table_half, normal);
    if (along < 0.0) return 1.0;
    vec4 clip = clip_from_base * vec4(eye + along * ray, 1.0);
    return clip.z / clip.w * 0.5 + 0.5;
}

void main() {
    vec3 sum = vec3(0.0);
    for (int k = 0; k < grid * grid; ++k) {
        vec2 offset = (vec2(k % grid, k / grid) + 0.5) / float(grid) - 0.5;
        sum += radiance(ray_through(gl_FragCoord.xy + offset));
    }
    vec2 centred = gl_FragCoord.xy / size - 0.5;
    float vignette = 1.0 - 0.55 * dot(centred, centred);
    // One step of noise hides the bands that eight bits would show in the dark gradients.
    float noise = fract(sin(dot(gl_FragCoord.xy, vec2(12.9898, 78.233))) * 43758.5453) - 0.5;
    colour = vec4(sqrt(sum / float(grid * grid) * vignette) + noise / 255.0, 1.0);
    gl_FragDepth = depth_of(ray_through(gl_FragCoord.xy));
}
