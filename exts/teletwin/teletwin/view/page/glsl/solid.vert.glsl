// Solids, and the translucent arms: each vertex knows the matrix that moves it.
layout(std140) uniform Frames { mat4 frames[MAX_FRAMES]; };
uniform int first_frame;
uniform mat4 clip_from_base;
uniform mat4 light_from_base;
uniform vec3 eye;
uniform float push_m;         // moves the solid away from the eye, so that a ghost hides in its twin
uniform int marked;           // bit k: frame k is drawn in amber
in vec3 in_position;
in vec3 in_normal;
in vec4 in_colour;            // rgb, and the frame's number
out vec3 normal;
out vec3 to_eye;
out vec3 albedo;
out vec3 in_light;
out float height;
void main() {
    int number = first_frame + int(in_colour.a * 255.0 + 0.5);
    mat4 frame = frames[number];
    vec3 point = (frame * vec4(in_position, 1.0)).xyz;
    normal = mat3(frame) * in_normal;
    to_eye = normalize(eye - point);
    point -= push_m * to_eye;
    albedo = (marked >> number & 1) == 1 ? mix(in_colour.rgb, vec3(0.95, 0.52, 0.06), 0.75) : in_colour.rgb;
    height = point.z;
    in_light = (light_from_base * vec4(point + 0.0065 * normal, 1.0)).xyz * 0.5 + 0.5;
    gl_Position = clip_from_base * vec4(point, 1.0);
}
